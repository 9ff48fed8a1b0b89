/** What a broker is started with: flags before environment variables, those before the file, that before the defaults. */

import { describe, expect, test } from 'vitest'
import type { Config } from '../../packages/cli/src/config/config.js'
import { type Given, settingsOf } from '../../packages/cli/src/config/settings.js'

describe('settings', () => {
  test('are the defaults where nothing is said', () => {
    expect(settingsOf({}, {})).toEqual({
      listeners: [{}],
      broker: {},
      users: [],
      logLevel: 'info',
      logFormat: undefined,
      drainMs: 5_000,
    })
  })

  test('are those of the file, and of what is given before it', () => {
    const config: Config = { log: { level: 'warn', format: 'json' }, drainMs: 7 }
    expect(settingsOf(config, {})).toMatchObject({ logLevel: 'warn', logFormat: 'json', drainMs: 7 })
    const given: Given = { logLevel: 'debug', logFormat: 'pretty', drainMs: 0 }
    expect(settingsOf(config, given)).toMatchObject({ logLevel: 'debug', logFormat: 'pretty', drainMs: 0 })
  })

  const doors: [given: Given, listeners: Config['listeners'], wanted: Config['listeners']][] = [
    [{}, [{ port: 1 }], [{ port: 1 }]],
    [{ port: 2 }, undefined, [{ port: 2 }]],
    [{ port: 0 }, [{ port: 1, host: '::1', lingerMs: 3 }], [{ port: 0, host: '::1', lingerMs: 3 }]],
    [
      { host: '::' },
      [{ path: '/a' }, { port: 1 }, { port: 2 }],
      [{ path: '/a' }, { port: 1, host: '::' }, { port: 2 }],
    ],
    [{ port: 2 }, [{ path: '/a' }], [{ path: '/a' }, { port: 2 }]],
  ]
  test.each(doors)('put %j into the first TCP door of %j', (given, listeners, wanted) => {
    expect(settingsOf(listeners === undefined ? {} : { listeners }, given).listeners).toEqual(wanted)
  })

  test('have the user of the environment beside those of the file, and in place of one of the same login', () => {
    const users = [
      { login: 'ann', passcode: '1' },
      { login: 'bob', passcode: '2' },
    ]
    expect(settingsOf({ users }, { user: { login: 'ann', passcode: '3' } }).users).toEqual([
      { login: 'bob', passcode: '2' },
      { login: 'ann', passcode: '3' },
    ])
  })
})
