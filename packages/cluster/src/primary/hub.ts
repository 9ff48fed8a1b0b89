/** Topics between workers: who wants what, and passing it on. */

import { isPattern, PatternTrie } from '@xtomp/core/destination'

/** Who takes part: a worker, or the primary's own broker. */
export interface HubMember {
  /** Takes a topic's message as it is on the link. */
  pass(message: Uint8Array): void
  /** Calls `task` once it has taken all that it was passed so far: at once where there is nothing to wait for. */
  whenTaken(task: () => void): void
}

/** What is wanted of one virtual host. */
class Wanted {
  readonly names = new Map<string, Set<HubMember>>()
  readonly patterns = new PatternTrie<HubMember>()
}

/** Passes each message to those members that have a subscription to it, but not back. */
export class Hub {
  readonly #hosts = new Map<string, Wanted>()
  /** For each member that asks whether others have taken what it publishes: to whom it went since it asked last. */
  readonly #reached = new Map<HubMember, Set<HubMember>>()

  /** Will ask whether others have taken what it publishes. */
  join(member: HubMember): void {
    this.#reached.set(member, new Set())
  }

  /** Is gone; it has taken back what it wanted. */
  leave(member: HubMember): void {
    this.#reached.delete(member)
    for (const reached of this.#reached.values()) reached.delete(member)
  }

  /** Calls `task` once others have taken what `from` has published since it asked last: those to whom that went. */
  whenTaken(from: HubMember, task: () => void): void {
    const reached = this.#reached.get(from)
    let left = 1
    const taken = (): void => {
      if (--left === 0) task()
    }
    for (const member of reached ?? []) {
      left++
      member.whenTaken(taken)
    }
    reached?.clear()
    taken()
  }

  /** A member has its first subscription to a name or pattern. */
  want(member: HubMember, host: string, name: string): void {
    const { names, patterns } = this.#wantedOf(host)
    if (isPattern(name)) patterns.add(name, member)
    else names.set(name, (names.get(name) ?? new Set()).add(member))
  }

  /** It has none any more. */
  unwant(member: HubMember, host: string, name: string): void {
    const { names, patterns } = this.#wantedOf(host)
    if (isPattern(name)) patterns.delete(name, member)
    else {
      const members = names.get(name)
      members?.delete(member)
      if (members?.size === 0) names.delete(name)
    }
  }

  /** Passes a message on. */
  publish(from: HubMember, host: string, destination: string, message: Uint8Array): void {
    const wanted = this.#hosts.get(host)
    if (wanted === undefined) return
    const reached = this.#reached.get(from)
    const pass = (member: HubMember): void => {
      if (member === from) return
      reached?.add(member)
      member.pass(message)
    }
    const named = wanted.names.get(destination)
    named?.forEach(pass)
    if (wanted.patterns.size === 0) return
    for (const member of wanted.patterns.match(destination)) if (named?.has(member) !== true) pass(member)
  }

  #wantedOf(host: string): Wanted {
    let wanted = this.#hosts.get(host)
    if (wanted === undefined) {
      wanted = new Wanted()
      this.#hosts.set(host, wanted)
    }
    return wanted
  }
}
