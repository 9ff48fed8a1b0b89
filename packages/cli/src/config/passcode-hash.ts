/** Hashed passcodes, so that a configuration need not hold any: `$scrypt$ln=14,r=8,p=1$salt$hash`. */

import { randomBytes, type ScryptOptions, scrypt, timingSafeEqual } from 'node:crypto'

/** A hashed passcode, taken apart. */
export interface PasscodeHash {
  readonly cost: number
  readonly blockSize: number
  readonly parallelization: number
  readonly salt: Buffer
  readonly hash: Buffer
}

const PREFIX = '$scrypt$'
const FORM = /^\$scrypt\$ln=(\d{1,2}),r=(\d{1,2}),p=(\d{1,2})\$([A-Za-z0-9+/]+)\$([A-Za-z0-9+/]+)$/

const COST_LOG2 = 14
const BLOCK_SIZE = 8
const SALT_OCTETS = 16
const HASH_OCTETS = 32
/** What one check may take: 128 · cost · block size. */
const MOST_OCTETS = 256 * 1024 * 1024
const LEAST_HASH_OCTETS = 16

/** Whether a passcode is one that was hashed, or is meant to be. */
export function isHashed(passcode: string): boolean {
  return passcode.startsWith(PREFIX)
}

/** Takes a hashed passcode apart; undefined where it is none that can be checked. */
export function parsePasscodeHash(text: string): PasscodeHash | undefined {
  const [, log2 = '', r = '', p = '', salt = '', hash = ''] = FORM.exec(text) ?? []
  const parsed = {
    cost: 2 ** Number(log2),
    blockSize: Number(r),
    parallelization: Number(p),
    salt: Buffer.from(salt, 'base64'),
    hash: Buffer.from(hash, 'base64'),
  }
  const isUsable =
    parsed.cost > 1 &&
    parsed.blockSize > 0 &&
    parsed.parallelization > 0 &&
    memoryOf(parsed) <= MOST_OCTETS &&
    parsed.hash.length >= LEAST_HASH_OCTETS
  return isUsable ? parsed : undefined
}

/** Hashes a passcode with a salt of its own. */
export async function hashPasscode(passcode: string): Promise<string> {
  const salt = randomBytes(SALT_OCTETS)
  const parts = {
    cost: 2 ** COST_LOG2,
    blockSize: BLOCK_SIZE,
    parallelization: 1,
    salt,
    hash: Buffer.alloc(HASH_OCTETS),
  }
  const hash = await derive(passcode, parts)
  return `${PREFIX}ln=${COST_LOG2},r=${BLOCK_SIZE},p=1$${unpadded(salt)}$${unpadded(hash)}`
}

/** Whether this passcode is the one that was hashed; takes as long for any. */
export async function matchesHash(passcode: string, hash: PasscodeHash): Promise<boolean> {
  return timingSafeEqual(await derive(passcode, hash), hash.hash)
}

function derive(passcode: string, parts: PasscodeHash): Promise<Buffer> {
  const { cost, blockSize, parallelization, salt, hash } = parts
  const options: ScryptOptions = { cost, blockSize, parallelization, maxmem: memoryOf(parts) + MOST_OCTETS }
  return new Promise((resolve, reject) => {
    scrypt(passcode, salt, hash.length, options, (error, key) => (error === null ? resolve(key) : reject(error)))
  })
}

function memoryOf({ cost, blockSize }: PasscodeHash): number {
  return 128 * cost * blockSize
}

function unpadded(octets: Buffer): string {
  return octets.toString('base64').replace(/=+$/, '')
}
