/** The users of a configuration: who may connect, with which passcode, hashed or not. */

import type { Credentials } from '@xtomp/core'
import { Headers } from '@xtomp/core'
import { describe, expect, test } from 'vitest'
import { hashPasscode, matchesHash, parsePasscodeHash } from '../../packages/cli/src/config/passcode-hash.js'
import { authenticateAs } from '../../packages/cli/src/config/users.js'
import { passcode } from '../../packages/cli/src/passcode.js'
import { testStreams } from './streams.js'

function credentials(login?: string, given?: string, isProven = false): Credentials {
  return { login, passcode: given, isProven, host: '/', headers: Headers.none, connection: { transport: 'memory' } }
}

describe('a user', () => {
  test('may connect with the right passcode, and with no other', async () => {
    const refused: (string | undefined)[] = []
    const authenticate = authenticateAs([{ login: 'ann', passcode: 'sécret' }], ({ login }) => refused.push(login))
    expect(await authenticate(credentials('ann', 'sécret'))).toEqual({ login: 'ann' })
    for (const [login, given] of [
      ['ann', 'secret'],
      ['ann', ''],
      ['ann', undefined],
      ['bob', 'sécret'],
      [undefined, undefined],
    ] as const)
      expect(await authenticate(credentials(login, given))).toBe(false)
    expect(refused).toEqual(['ann', 'ann', 'ann', 'bob', undefined])
  })

  test('whose login the transport has proved needs no passcode, but must be known', async () => {
    const authenticate = authenticateAs([{ login: 'ann', passcode: 'secret' }], () => undefined)
    expect(await authenticate(credentials('ann', undefined, true))).toEqual({ login: 'ann' })
    expect(await authenticate(credentials('bob', undefined, true))).toBe(false)
    expect(await authenticate(credentials('', undefined, true))).toBe(false)
  })

  test('whose passcode is hashed may connect with what was hashed, and with no other', async () => {
    const authenticate = authenticateAs(
      [
        { login: 'ann', passcode: await hashPasscode('secret') },
        { login: 'bob', passcode: 'plain' },
      ],
      () => undefined,
    )
    for (let time = 0; time < 2; time++) {
      expect(await authenticate(credentials('ann', 'secret'))).toEqual({ login: 'ann' })
      expect(await authenticate(credentials('ann', 'wrong'))).toBe(false)
      expect(await authenticate(credentials('bob', 'plain'))).toEqual({ login: 'bob' })
      // That is ann's, with which every unknown login is compared, so that it takes as long.
      expect(await authenticate(credentials('bob', 'secret'))).toBe(false)
      expect(await authenticate(credentials('nobody', 'secret'))).toBe(false)
      expect(await authenticate(credentials(undefined, 'secret'))).toBe(false)
    }
  })

  test('that there is not is refused no sooner than one whose passcode is wrong', async () => {
    const authenticate = authenticateAs(
      [
        { login: 'ann', passcode: await hashPasscode('secret') },
        { login: 'bob', passcode: 'plain' },
      ],
      () => undefined,
    )
    for (const login of ['ann', 'bob', 'nobody']) {
      const answer = authenticate(credentials(login, 'wrong'))
      expect(answer).toBeInstanceOf(Promise)
      expect(await answer).toBe(false)
    }
  })

  test('whose passcode was right once is not hashed again: the answer comes at once', async () => {
    const authenticate = authenticateAs([{ login: 'ann', passcode: await hashPasscode('secret') }], () => undefined)
    expect(authenticate(credentials('ann', 'secret'))).toBeInstanceOf(Promise)
    await authenticate(credentials('ann', 'secret'))
    expect(authenticate(credentials('ann', 'secret'))).toEqual({ login: 'ann' })
    expect(authenticate(credentials('ann', 'wrong'))).toBeInstanceOf(Promise)
  })
})

describe('a hash', () => {
  const parts = '$c2FsdHNhbHRzYWx0c2FsdA$aGFzaGhhc2hoYXNoaGFzaA'

  test('is another each time, and is checked by what is in it', async () => {
    const [one, other] = await Promise.all([hashPasscode('a'), hashPasscode('a')])
    expect(one).not.toBe(other)
    for (const hash of [one, other]) {
      const parsed = parsePasscodeHash(hash)
      if (parsed === undefined) throw new Error(`${hash} cannot be checked`)
      expect(await matchesHash('a', parsed)).toBe(true)
      expect(await matchesHash('b', parsed)).toBe(false)
    }
  })

  test.each([
    ['', false],
    ['secret', false],
    [`$scrypt$ln=14,r=8,p=1${parts}`, true],
    [`$scrypt$ln=0,r=8,p=1${parts}`, false],
    [`$scrypt$ln=14,r=0,p=1${parts}`, false],
    [`$scrypt$ln=14,r=8,p=0${parts}`, false],
    [`$scrypt$ln=30,r=8,p=1${parts}`, false],
    [`$scrypt$ln=18,r=8,p=1${parts}`, true],
    [`$scrypt$ln=18,r=9,p=1${parts}`, false],
    [`$scrypt$ln=14,r=8,p=1$c2FsdA$aGFzaA`, false],
  ])('%j can be checked: %s', (text, isUsable) => {
    expect(parsePasscodeHash(text) !== undefined).toBe(isUsable)
  })
})

describe('xtomp passcode', () => {
  test('prints the hash of the line that it reads', async () => {
    const streams = testStreams({ input: 'secret\nnot this\n' })
    expect(await passcode(streams)).toBe(0)
    const parsed = parsePasscodeHash(streams.stdout.text.trimEnd())
    expect(parsed !== undefined && (await matchesHash('secret', parsed))).toBe(true)
    expect(streams.stderr.text).toBe('')
  })

  test('asks on a terminal, and shows nothing of what is typed', async () => {
    const streams = testStreams({ input: 'secret\n', isTTY: true })
    Object.assign(streams.stdin, { isTTY: true })
    expect(await passcode(streams)).toBe(0)
    expect(streams.stderr.text).toBe('passcode: \n')
    expect(streams.stdout.text).toMatch(/^\$scrypt\$.*\n$/)
  })

  test('has exit code 1 where there is none', async () => {
    const streams = testStreams({ input: '' })
    expect(await passcode(streams)).toBe(1)
    expect(streams.stderr.text).toBe('xtomp: a passcode is read from stdin, and there was none\n')
  })
})
