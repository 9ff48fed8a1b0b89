/** The users of a configuration, as an answer to who may connect. */

import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto'
import type { Credentials } from '@xtomp/core'
import type { UserConfig } from './config.js'
import { isHashed, matchesHash, type PasscodeHash, parsePasscodeHash } from './passcode-hash.js'

/** Who is connected. */
export interface KnownUser {
  readonly login: string
}

/** Answers the user where login and passcode are right, and false where they are not. */
export type Authenticate = (credentials: Credentials) => KnownUser | false | Promise<KnownUser | false>

/** One user: what a passcode is compared with. */
interface Entry {
  readonly user: KnownUser
  readonly hash: PasscodeHash | undefined
  /** The digest of the passcode; of a hashed one, of the one that was right before: it is hashed once, not at each CONNECT. */
  digest: Buffer | undefined
}

/**
 * A proven login needs no passcode, and must be one of the users. Compares in constant time, and takes no less for a login that there is not: nobody learns the names that there are.
 * @param refused - told of each refusal
 */
export function authenticateAs(
  users: readonly UserConfig[],
  refused: (credentials: Credentials) => void,
): Authenticate {
  // A digest with a key of this process has always the same length, and says nothing to whoever might see it.
  const key = randomBytes(32)
  const digestOf = (passcode: string): Buffer => createHmac('sha256', key).update(passcode).digest()
  const entries = new Map<string, Entry>()
  for (const { login, passcode } of users) {
    const hash = isHashed(passcode) ? parsePasscodeHash(passcode) : undefined
    entries.set(login, { user: { login }, hash, digest: isHashed(passcode) ? undefined : digestOf(passcode) })
  }
  const someHash = [...entries.values()].find(({ hash }) => hash !== undefined)?.hash
  const nobody: Entry = { user: { login: '' }, hash: undefined, digest: undefined }

  const judge = (credentials: Credentials, { user }: Entry, isRight: boolean): KnownUser | false => {
    if (isRight) return user
    refused(credentials)
    return false
  }

  return (credentials) => {
    const { login = '', passcode = '', isProven } = credentials
    const entry = entries.get(login) ?? nobody
    if (isProven) return judge(credentials, entry, entry !== nobody)
    const digest = digestOf(passcode)
    // Also where it cannot be right: that there is nothing to compare with must not show.
    const hash = entry.hash ?? someHash
    if (timingSafeEqual(digest, entry.digest ?? Buffer.alloc(digest.length))) return judge(credentials, entry, true)
    if (hash === undefined) return judge(credentials, entry, false)
    return matchesHash(passcode, hash).then((isRight) => {
      const isTheirs = isRight && entry.hash !== undefined
      if (isTheirs) entry.digest = digest
      return judge(credentials, entry, isTheirs)
    })
  }
}
