/** Connections that Node's primary has handed to a worker which did not take them: closed when they are lost, or it is gone. */

import type { ChildProcess } from 'node:child_process'

/** What Node's primary and a worker say to each other: its own business, of which nothing is certain. */
interface Said {
  readonly cmd?: unknown
  readonly act?: unknown
  /** Which port. */
  readonly key?: unknown
  readonly seq?: unknown
  readonly ack?: unknown
}

/** A connection that was handed over, by the number that the answer will have. */
interface Handoff {
  readonly seq: unknown
  readonly handle: { close(): void; readonly fd?: number }
}

/** Who is told of connections. */
export interface HandoffWatcher {
  /** One is handed over, whose file has this number here; a system may not number them. */
  handed(fd: number | undefined): void
  /** A worker had no file for one. */
  lost(): void
}

/**
 * Node sends a worker a copy of each connection, and closes its own at the answer. A worker that is killed gives none, and
 * the client would wait for ever at a connection that nobody reads. As Node does it is in its
 * lib/internal/cluster/round_robin_handle.js, from 20 to 26; if that changes, nothing is found here, and nothing closed.
 * No event tells of what is handed over, so `send` itself is looked into.
 *
 * A worker that has no file left for a connection says that it has come without one. Node sends those of its own kind no
 * second time, and waits for an answer that nobody will give: so it is given here, and the connection is closed.
 *
 * @param watcher - told of each connection, and of those that are lost
 */
export function watchHandoffs(worker: ChildProcess, watcher: HandoffWatcher): void {
  // A worker is handed one connection of a port at a time: that there is another says that the one before was answered.
  const unanswered = new Map<unknown, Handoff>()
  // Whether somebody else hands it something, too: then nobody knows what was lost.
  let isShared = false
  const { send } = worker
  worker.send = (...said: unknown[]): boolean => {
    const handoff = handoffIn(said)
    if (handoff !== undefined) {
      const { key } = said[0] as Said
      // Behind those of other ports, which came before.
      unanswered.delete(key)
      unanswered.set(key, handoff)
      watcher.handed(handoff.handle.fd)
    } else if (typeof said[1] === 'object' && said[1] !== null) isShared = true
    return Reflect.apply(send, worker, said)
  }
  // Node hears of it first: what the worker did not accept is somebody else's by now.
  worker.on('internalMessage', ({ cmd, ack }: Said) => {
    if (cmd === 'NODE_HANDLE_NACK' && !isShared) {
      // Handles are sent one at a time, and what was taken was answered at once: the oldest is the one.
      const [oldest] = unanswered.values()
      if (oldest === undefined) return
      watcher.lost()
      worker.emit('internalMessage', { cmd: 'NODE_CLUSTER', ack: oldest.seq, accepted: true })
    } else if (cmd === 'NODE_CLUSTER' && ack !== undefined)
      for (const [key, { seq }] of unanswered) if (seq === ack) unanswered.delete(key)
  })
  // The process may end before its last answers are read. Node does not tell of a channel that ends in the middle of a
  // handoff, but it tells when everything has ended.
  for (const end of ['disconnect', 'exit', 'close'])
    worker.once(end, () => {
      if (worker.connected) return
      for (const { handle } of unanswered.values()) handle.close()
      unanswered.clear()
    })
}

function handoffIn([said, handle]: readonly unknown[]): Handoff | undefined {
  const { cmd, act, seq } = (said ?? {}) as Said
  if (cmd !== 'NODE_CLUSTER' || act !== 'newconn' || seq === undefined) return undefined
  if (typeof (handle as Handoff['handle'] | undefined)?.close !== 'function') return undefined
  return { seq, handle: handle as Handoff['handle'] }
}
