/** What a broker is started with: flags before environment variables, those before the file, that before the defaults. */

import { describe, expect, test } from 'vitest'
import type { Config } from '../../packages/cli/src/config/config.js'
import { type Given, settingsOf } from '../../packages/cli/src/config/settings.js'

describe('settings', () => {
  test('are the defaults where nothing is said', () => {
    expect(settingsOf({}, {})).toEqual({
      listeners: [{}, { transport: 'mux', port: 61_614, page: true }],
      broker: {},
      users: [],
      logLevel: 'info',
      logFormat: undefined,
      drainMs: 5_000,
      workers: undefined,
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
    [{ port: 0 }, [{ port: 1, host: '::1', lingerMs: 3 }], [{ port: 0, host: '::1', lingerMs: 3 }]],
    [
      { host: '::' },
      [{ path: '/a' }, { port: 1 }, { port: 2 }],
      [{ path: '/a' }, { port: 1, host: '::' }, { port: 2 }],
    ],
    [{ port: 2 }, [{ path: '/a' }], [{ path: '/a' }, { port: 2 }]],
    [{ port: 2 }, [{ transport: 'ws', port: 1 }], [{ transport: 'ws', port: 1 }, { port: 2 }]],
    [
      { port: 2 },
      [{ transport: 'mux' }, { transport: 'tcp', port: 1 }],
      [{ transport: 'mux' }, { transport: 'tcp', port: 2 }],
    ],
  ]
  test.each(doors)('put %j into the first TCP door of %j', (given, listeners, wanted) => {
    expect(settingsOf(listeners === undefined ? {} : { listeners }, given).listeners).toEqual(wanted)
  })

  const web = (port: number) => ({ transport: 'mux', port, page: true }) as const
  const shared: [given: Given, listeners: Config['listeners'], wanted: Config['listeners']][] = [
    // Behind the port of its own, so that two brokers do not meet there.
    [{ port: 2 }, undefined, [{ port: 2 }, web(3)]],
    [{ port: 0 }, undefined, [{ port: 0 }, web(0)]],
    [{ port: 65_535 }, undefined, [{ port: 65_535 }, web(0)]],
    [{ host: '::1' }, undefined, [{ host: '::1' }, { ...web(61_614), host: '::1' }]],
    [{ webPort: 7 }, undefined, [{}, web(7)]],
    [{ webPort: 'off' }, undefined, [{}]],
    // Where a file says which doors there are, there is no other, unless it is asked for.
    [{}, [{ port: 1 }], [{ port: 1 }]],
    [{ webPort: 7 }, [{ port: 1 }], [{ port: 1 }, web(7)]],
    [{ webPort: 7 }, [{ transport: 'mux', health: false }], [{ transport: 'mux', health: false, port: 7 }]],
    [{ webPort: 'off' }, [{ transport: 'mux' }, { transport: 'ws' }], [{ transport: 'ws' }]],
  ]
  test.each(shared)('with %j share a port beside %j', (given, listeners, wanted) => {
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
