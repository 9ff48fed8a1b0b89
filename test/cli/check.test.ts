/** `xtomp check`: what it says of a configuration that is wrong, where, and with which exit code. */

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { check } from '../../packages/cli/src/check.js'
import { canSharePorts } from '../support/tcp-sockets.js'
import { testStreams } from './streams.js'

function fileOf(text: string, name = 'broker.yaml'): string {
  const folder = mkdtempSync(join(tmpdir(), 'xtomp-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  const file = join(folder, name)
  writeFileSync(file, text)
  return file
}

/** What is said of a text, without the file's own name, and the exit code. */
async function said(text: string, name?: string): Promise<{ code: number; lines: string[]; errors: string }> {
  const file = fileOf(text, name)
  const streams = testStreams()
  const code = await check(file, streams)
  const lines = streams.stdout.text.replaceAll(`${file}:`, '').split('\n').slice(0, -1)
  return { code, lines, errors: streams.stderr.text }
}

const FINE = `
$schema: ./config.schema.json
listeners:
  - port: 0
    maxConnections: 10
  - path: /tmp/xtomp.sock
  - { transport: ws, handshakeTimeoutMs: 5, proxy: { trust: [unix, '::1/64'] }, ws: { path: [/a, /b], perMessageDeflate: { thresholdBytes: 9 } } }
  - { transport: mux, page: true, health: false, proxy: { trust: [loopback] }, ws: { origins: any } }
broker:
  serverName: false
  hosts: [a, b]
  limits: { bodyBytes: .inf }
  heartBeat: { graceFactor: 1.5 }
  destinations:
    - match: /queue/orders.**
      deadLetter: /queue/dead
      whenFull: hold
users:
  - { login: ann, passcode: secret }
log: { level: debug, format: json }
drainMs: 0
`

describe('a configuration that is fine', () => {
  const fine: [what: string, text: string, name?: string][] = [
    ['YAML with everything', FINE],
    ['an empty file', ''],
    ['one with nothing but a comment', '# nothing\n'],
    ['JSON', '{"listeners": [{"port": 0}]}', 'a.json'],
    ['JSON with tabs', '{\n\t"broker": {\n\t\t"limits": {\n\t\t\t"headers": 3\n\t\t}\n\t}\n}\n', 'a.json'],
    ['a module', 'export default { broker: { hooks: { authorize: () => true } } }', 'a.mjs'],
    ['a module with nothing but defaults', 'export default {}', 'a.mjs'],
    ['a module of the other kind that exports by names', 'exports.drainMs = 3', 'a.cjs'],
    [
      'JSON with every kind of value and escape',
      '{"$schema": "\\u0041\\/\\"", "broker": {"serverName": false, "limits": {"headers": 1e2}}}',
      'a.json',
    ],
    ['a module of the other kind', 'module.exports = { drainMs: 3 }', 'a.cjs'],
    [
      'a module with hooks of a class, and a store',
      `class Hooks { authenticate() { return true } }
       class Store { apply() {} async *recover() {} }
       export default { broker: { hooks: new Hooks(), store: new Store(), limits: { headers: Infinity } } }`,
      'a.mjs',
    ],
  ]
  test.each(fine)('is %s', async (_, text, name) => {
    expect(await said(text, name)).toEqual({ code: 0, lines: [' fine'], errors: '' })
  })
})

describe('a configuration that is wrong', () => {
  const wrong: [text: string, lines: string[]][] = [
    [
      'broker:\n  limits:\n    bodyByte: 3\n',
      [
        '3:5: there is no option broker.limits.bodyByte (did you mean bodyBytes?); there are connectBytes, headerLineBytes, headers, bodyBytes, connectTimeoutMs, subscriptions, unacknowledged, transactions, transactionBytes, unsentBytes, unstoredBytes, stallMs, destinations, destinationLength, destinationSegments, totalBytes',
      ],
    ],
    [
      'port: 1\n',
      [
        '1:1: there is no option port (did you mean listeners[].port?); there are listeners, broker, users, log, drainMs, workers',
      ],
    ],
    ['zebra: 1\n', ['1:1: there is no option zebra; there are listeners, broker, users, log, drainMs, workers']],
    ['listeners:\n  - port: "1"\n', ['2:11: listeners[0].port must be a whole number from 0 to 65535; given "1"']],
    ['listeners:\n  - port: 65536\n', ['2:11: listeners[0].port must be a whole number from 0 to 65535; given 65536']],
    ['listeners: []\n', ['1:12: listeners is empty; leave it out for the default']],
    [
      'listeners:\n  - path: /a\n    port: 1\n',
      ['3:5: listeners[0].port cannot stand beside path: a UNIX socket has neither'],
    ],
    [
      'listeners:\n  - { port: 0, reusePort: true }\n  - { path: /a, reusePort: true }\n',
      [
        '2:27: listeners[0].reusePort needs a port that all know, and 0 is another for each',
        '3:28: listeners[1].reusePort is for ports, and path is none',
      ],
    ],
    ['listeners:\n  - port:\n', ['2:10: listeners[0].port must be a whole number from 0 to 65535; given nothing']],
    ['broker: fast\n', ['1:9: broker must be an object with names and values; given "fast"']],
    ['- broker\n', ['1:1: the configuration must be an object with names and values; given a list']],
    [
      'log: { level: wran }\n',
      [
        '1:15: log.level must be one of trace, debug, info, warn, error, fatal, silent; given "wran" (did you mean warn?)',
      ],
    ],
    [
      'broker: { heartBeat: { graceFactor: 0.5 } }\n',
      ['1:37: broker.heartBeat.graceFactor must be a number, 1 or more; given 0.5'],
    ],
    ['broker: { serverName: true }\n', ['1:23: broker.serverName must be false, or a line of text; given true']],
    ['broker: { hooks: {} }\n', ['1:11: broker.hooks is code: only a module can give it']],
    [
      'broker:\n  destinations:\n    - maxMessages: 1\n    - match: /queue/a\n      deadLetter: /queue/*\n      deadLetterExpired: 1\n',
      [
        "3:7: broker.destinations[0].match is missing: A destination's name, or a pattern: * is one whole segment, ** any number of them.",
        '5:19: broker.destinations[1].deadLetter must be false, or a name in one line, not a pattern; given "/queue/*"',
        '6:26: broker.destinations[1].deadLetterExpired must be true or false; given 1',
      ],
    ],
    [
      'broker:\n  destinations:\n    - match: a\n    - match: a\n',
      ['4:14: broker.destinations[1].match is the same as broker.destinations[0].match'],
    ],
    ['listeners:\n  - {}\n  - port: 61613\n', ['3:5: listeners[1] is the same as listeners[0]']],
    // One may speak STOMP at once, the other TLS first: there is one port all the same.
    [
      'listeners:\n  - transport: mux\n  - { transport: ws, port: 61614 }\n',
      ['3:5: listeners[1] is the same as listeners[0]'],
    ],
    [
      'listeners:\n  - transport: wss\n',
      ['2:16: listeners[0].transport must be one of tcp, tls, ws, mux; given "wss" (did you mean ws?)'],
    ],
    [
      'listeners:\n  - ws: { path: /a }\n  - { transport: ws, page: true }\n  - { transport: mux, handshakeTimeoutMs: 1 }\n',
      [
        '2:5: listeners[0].ws is not for transport tcp, but for ws, mux',
        '3:22: listeners[1].page is not for transport ws, but for mux',
        '4:23: listeners[2].handshakeTimeoutMs is not for transport mux, but for ws',
      ],
    ],
    [
      'listeners:\n  - transport: tls\n  - { transport: tls, port: 1, tls: { certFile: /nowhere, keyFile: "" } }\n',
      [
        '2:5: listeners[0].tls is missing: The certificate of a door with TLS, and what it asks of clients.',
        "3:49: listeners[1].tls.certFile cannot be read: ENOENT: no such file or directory, open '/nowhere'",
        '3:68: listeners[1].tls.keyFile must be a line of text; given ""',
      ],
    ],
    [
      'listeners:\n  - transport: mux\n    tls: { certFile: /dev/null, keyFile: /dev/null, loginFrom: CN }\n  - { transport: tls, tls: { certFile: /dev/null, keyFile: /dev/null, requestCert: true }, port: 1 }\n',
      [
        '3:64: listeners[0].tls.loginFrom needs requestCert: true',
        '4:84: listeners[1].tls.requestCert needs caFile: who signs the certificates of clients',
      ],
    ],
    [
      'listeners:\n  - transport: tls\n    tls: { certFile: /dev/null, keyFile: /dev/null }\n',
      ['3:22: listeners[0].tls.certFile cannot be used with its key: no start line'],
    ],
    [
      'listeners:\n  - transport: tls\n    tls: { pfxFile: /dev/null, keyFile: /dev/null, passphrase: 1234 }\n  - { transport: tls, port: 1, tls: { certFile: /dev/null } }\n',
      [
        '3:21: listeners[0].tls.pfxFile cannot be used: not enough data',
        '3:32: listeners[0].tls.keyFile cannot stand beside pfxFile, which holds both',
        '3:64: listeners[0].tls.passphrase must be a line of text; given a number',
        '4:37: listeners[1].tls.keyFile is missing: Its private key, as PEM. Read again on SIGHUP.',
      ],
    ],
    [
      'listeners:\n  - transport: tls\n    tls: { pfxFile: /dev/null, sni: { a.example.org: { certFile: /nowhere, keyFile: /dev/null }, b: { certFil: a } } }\n',
      [
        '3:21: listeners[0].tls.pfxFile cannot be used: not enough data',
        "3:66: listeners[0].tls.sni.a.example.org.certFile cannot be read: ENOENT: no such file or directory, open '/nowhere'",
        '3:101: listeners[0].tls.sni.b.certFile is missing: The certificate and those that signed it, as PEM. Read again on SIGHUP.',
        '3:101: listeners[0].tls.sni.b.keyFile is missing: Its private key, as PEM. Read again on SIGHUP.',
        '3:103: there is no option listeners[0].tls.sni.b.certFil (did you mean certFile?); there are certFile, keyFile, pfxFile, passphrase',
      ],
    ],
    [
      'listeners:\n  - transport: mux\n    tls: { certFile: /dev/null, keyFile: /dev/null, minVersion: TLSv1.3, maxVersion: TLSv1.2, ciphers: "" }\n',
      [
        '3:86: listeners[0].tls.maxVersion is below minVersion',
        '3:104: listeners[0].tls.ciphers must be a line of text; given ""',
      ],
    ],
    [
      'listeners:\n  - transport: tls\n    tls: { certFile: /dev/null, required: false }\n',
      [
        '3:10: listeners[0].tls.keyFile is missing: Its private key, as PEM. Read again on SIGHUP.',
        '3:43: listeners[0].tls.required is for transport mux: nothing comes without TLS through a door of TLS alone',
      ],
    ],
    [
      'listeners:\n  - transport: mux\n    proxy:\n      trust:\n        - loopback\n        - 10.0.0.0/33\n        - example.test\n        - 5\n  - { transport: ws, proxy: { trust: [unix], required: true } }\n  - { port: 1, proxy: { trust: [unix] } }\n',
      [
        '6:11: listeners[0].proxy.trust[1] must be an IP address, a network such as 10.0.0.0/8, loopback or unix; given "10.0.0.0/33"',
        '7:11: listeners[0].proxy.trust[2] must be an IP address, a network such as 10.0.0.0/8, loopback or unix; given "example.test"',
        '8:11: listeners[0].proxy.trust[3] must be a line of text; given 5',
        '9:56: listeners[1].proxy.required needs transport mux: a door of WebSockets alone reads no PROXY headers',
        '10:16: listeners[2].proxy is not for transport tcp, but for ws, mux',
      ],
    ],
    [
      'listeners:\n  - { transport: tls, tls: { certFile: /nowhere, keyFile: /nowhere } }\n  - transport: mux\n',
      [
        "2:40: listeners[0].tls.certFile cannot be read: ENOENT: no such file or directory, open '/nowhere'",
        "2:59: listeners[0].tls.keyFile cannot be read: ENOENT: no such file or directory, open '/nowhere'",
        '3:5: listeners[1] is the same as listeners[0]',
      ],
    ],
    [
      'listeners:\n  - { transport: mux, ws: { path: stomp, origins: mine, perMessageDeflate: 1 }, health: health, proxy: {} }\n',
      [
        '2:35: listeners[0].ws.path must be a path that begins with /, or a list; given "stomp"',
        '2:51: listeners[0].ws.origins must be one of local, same-origin, any, or a list; given "mine"',
        '2:76: listeners[0].ws.perMessageDeflate must be true or false, or an object with names and values; given 1',
        '2:89: listeners[0].health must be false, or a path that begins with /; given "health"',
        '2:104: listeners[0].proxy.trust is missing: Addresses (10.0.0.7), networks (10.0.0.0/8), loopback, or unix for whoever comes through a UNIX socket.',
      ],
    ],
    [
      'users:\n  - login: ann\n',
      [
        '2:5: users[0].passcode is missing: The passcode header of CONNECT, as it is, or hashed: what `xtomp passcode` prints.',
      ],
    ],
    ['drainMs: 1\ndrainMs: 2\n', ['2:1: Map keys must be unique']],
    ['{ "drainMs": 1, }}\n', ['1:18: Unexpected flow-map-end token in YAML stream']],
    ['drainMs: *nowhere\n', ['1:10: there is no anchor of this name']],
    [
      'drainMs: x\nlisteners: [{ port: 1 }, { port: 1 }]\nusers: [{ login: a, passcode: b }, { login: a }]\n',
      [
        '1:10: drainMs must be a whole number from 0 to 2147483647; given "x"',
        '2:26: listeners[1] is the same as listeners[0]',
        '3:36: users[1].passcode is missing: The passcode header of CONNECT, as it is, or hashed: what `xtomp passcode` prints.',
        '3:45: users[1].login is the same as users[0].login',
      ],
    ],
    [
      'users: [{ login: a, passcode: $scrypt$x }, 3]\n',
      [
        '1:31: users[0].passcode is no hash that can be checked; xtomp passcode prints one',
        '1:44: users[1] must be an object with names and values; given a number',
      ],
    ],
  ]
  test.skipIf(canSharePorts)('asks for a port to be shared that this Node does not share', async () => {
    expect(await said('listeners:\n  - { port: 61613, reusePort: true }\n')).toEqual({
      code: 1,
      lines: [`2:31: listeners[0].reusePort needs Node 22.12 or newer; this is ${process.versions.node}`],
      errors: '',
    })
  })

  test.each(wrong)('%j is told so', async (text, lines) => {
    expect(await said(text)).toEqual({ code: 1, lines, errors: '' })
  })

  test('is told of all its problems, in the order of the text', async () => {
    const { lines } = await said('drainMs: no\nbroker: { limits: { headers: -1, header: 1 } }\nusers: 3\n')
    expect(lines.map((line) => line.split(':', 2).join(':'))).toEqual(['1:10', '2:30', '2:34', '3:8'])
  })

  test('is told of a module by the option alone: its text has no places', async () => {
    expect(await said('export default { broker: { hooks: { authorise() {} } } }', 'a.mjs')).toEqual({
      code: 1,
      lines: [
        ' there is no option broker.hooks.authorise (did you mean authorize?); there are authenticate, connect, authorize, subscribe, send, deliver',
      ],
      errors: '',
    })
  })

  test('is told of what is wrong with code beside what is wrong with data', async () => {
    const text = 'export default { drainMs: -1, broker: { hostz: 1, hooks: { sned() {}, connect: 3 } } }'
    const { lines } = await said(text, 'a.mjs')
    expect(lines).toEqual([
      expect.stringMatching(/^ there is no option broker.hostz \(did you mean hosts\?\)/),
      ' drainMs must be a whole number from 0 to 2147483647; given -1',
      expect.stringMatching(/^ there is no option broker.hooks.sned \(did you mean send\?\)/),
      expect.stringMatching(/^ broker is refused: hooks.connect must be a function/),
    ])
  })

  const notJson: [text: string, place: string, wanted: string][] = [
    ['{drainMs: 1}', '1:2', 'no bare word: names and texts stand in double quotes'],
    ["{'drainMs': 1}", '1:2', 'no bare word: names and texts stand in double quotes'],
    ['{\n  "drainMs": 1,\n}', '3:1', 'a name in double quotes'],
    ['{ "users": [1,] }', '1:15', 'a value'],
    ['// nothing\n{}', '1:1', 'no comment'],
    ['{}\n# nothing', '2:1', 'no bare word: names and texts stand in double quotes'],
    ['{ "drainMs": 01 }', '1:15', 'a comma'],
    ['{ "drainMs": .inf }', '1:14', 'no bare word: names and texts stand in double quotes'],
    ['{ "drainMs" 1 }', '1:13', 'a colon'],
    ['{ "drainMs": 1', '1:15', 'a }'],
    ['{ "broker": "a\n" }', '1:13', 'the end of a text, in its line'],
    ['{ "broker": "\\x" }', '1:13', 'an escape that JSON has'],
    ['drainMs: 1', '1:1', 'no bare word: names and texts stand in double quotes'],
    ['{} {}', '1:4', 'the end'],
    ['', '1:1', 'a value'],
  ]
  test.each(notJson)('is the file %j, which is not JSON though its name says so', async (text, place, wanted) => {
    expect(await said(text, 'a.json')).toEqual({
      code: 1,
      lines: [`${place}: this is not JSON: here should be ${wanted}`],
      errors: '',
    })
  })

  test('is JSON with a name that stands twice', async () => {
    expect(await said('{ "drainMs": 1, "drainMs": 2 }', 'a.json')).toMatchObject({
      code: 1,
      lines: ['1:17: Map keys must be unique'],
    })
  })

  test('is one whose users and hooks both say who may connect', async () => {
    const text =
      'export default { users: [{ login: "a", passcode: "b" }], broker: { hooks: { authenticate: () => true } } }'
    const { lines } = await said(text, 'a.mjs')
    expect(lines).toEqual([' users cannot stand beside broker.hooks.authenticate: both say who may connect'])
  })

  test('is one that unfolds without end', async () => {
    const folds = 'abcdefghij'.split('').map((name, at, all) => {
      const before = at === 0 ? 'x' : `*${all[at - 1]}`
      return `${name}: &${name} [${Array(10).fill(before).join(',')}]`
    })
    const { code, errors } = await said(`${folds.join('\n')}\n`)
    expect(code).toBe(2)
    expect(errors).toMatch(/^xtomp: .*alias.*\n$/)
  })
})

describe('a passcode', () => {
  const leaks = [
    'users:\n  - login: ann\n    passcode: hunter2 "x": y\n',
    'users:\n  - login: ann\n    passcode: "hunter2" x\n',
    'users:\n  - login: ann\n    passcode: *hunter2\n',
    'users:\n  - login: ann\n    passcode: !hunter2 x\n',
    'users:\n  - login: ann\n    passcode: "\\hunter2"\n',
    'users:\n  - login: ann\n    passcode: `hunter2\n',
    'users:\n  - login: ann\n    passcode: "hunter2\n',
    'users:\n  - login: ann\n    passcode: [hunter2]\n',
    'users:\n  - login: ann\n    passcode: $scrypt$hunter2\n',
    'users:\n  - ann:hunter2\n',
    'users: hunter2\n',
    'users:\n  - login: 1\n    passcode: hunter2\n',
  ]
  test.each(leaks)('is in no message about %j', async (text) => {
    const { code, lines, errors } = await said(text)
    expect(code).toBe(1)
    expect(lines.join() + errors).not.toContain('hunter2')
  })

  const jsonLeaks = [
    '{"users": [{"login": "ann", "passcode": "hunter2}]}',
    '{"users": [{"login": "ann", "passcode": "\\hunter2"}]}',
    '{"users": [{"login": "ann", "passcode": hunter2}]}',
    '{"users": [{"login": "ann", "passcode" "hunter2"}]}',
  ]
  test.each(jsonLeaks)('is in no message about the JSON %j', async (text) => {
    const { code, lines, errors } = await said(text, 'a.json')
    expect(code).toBe(1)
    expect(lines.join() + errors).not.toContain('hunter2')
  })

  test('is not shown on a terminal either', async () => {
    const file = fileOf(FINE)
    const streams = testStreams({ isTTY: true })
    expect(await check(file, streams)).toBe(0)
    expect(streams.stdout.text).toContain('***')
    expect(streams.stdout.text).not.toContain('secret')
  })
})

describe('a file that cannot be read', () => {
  test.each([
    [
      'is of no known kind',
      'x',
      'a.toml',
      'the name of a configuration must end in one of .json, .yaml, .yml, .js, .mjs, .cjs',
    ],
    ['is a module that throws', 'throw new Error("no luck")', 'a.mjs', 'no luck'],
    ['is a module that is none', 'export default {', 'a.mjs', ''],
    [
      'exports nothing',
      'export const broker = {}',
      'a.mjs',
      'it exports no options: a module exports them as its default, or as module.exports',
    ],
    [
      'is CommonJS and exports nothing',
      'const broker = {}',
      'a.cjs',
      'it exports no options: a module exports them as its default, or as module.exports',
    ],
    [
      'is CommonJS by its package, and exports nothing',
      'const broker = {}',
      'a.js',
      'it exports no options: a module exports them as its default, or as module.exports',
    ],
  ])('%s', async (_, text, name, says) => {
    const { code, lines, errors } = await said(text, name)
    expect({ code, lines }).toEqual({ code: 2, lines: [] })
    expect(errors).toMatch(/^xtomp: .*\n$/)
    expect(errors).toContain(`${name}: ${says}`)
  })

  test('is not there, or is a folder', async () => {
    for (const [file, says] of [
      [join(tmpdir(), 'xtomp-none.yaml'), 'there is no such file'],
      [join(tmpdir(), 'xtomp-none.mjs'), 'there is no such file'],
    ] as const) {
      const streams = testStreams()
      expect(await check(file, streams)).toBe(2)
      expect(streams.stderr.text).toBe(`xtomp: ${file}: ${says}\n`)
    }
  })
})

describe('on a terminal', () => {
  test('what is set is a table beside the defaults, in colour', async () => {
    const streams = testStreams({ isTTY: true })
    await check(fileOf('broker: { limits: { headers: 7 } }\n'), streams)
    expect(streams.stdout.text).toContain('│')
    expect(streams.stdout.text).toMatch(/broker\.limits\.headers.*7.*128/)
    expect(streams.stdout.text).toContain('\u001b[32mfine')
  })

  test('what may be of several kinds is shown as it is', async () => {
    const streams = testStreams({ isTTY: true })
    const webSocket = '{ path: [/a, /b], perMessageDeflate: { thresholdBytes: 9 } }'
    await check(fileOf(`listeners: [{ transport: ws, ws: ${webSocket} }]\n`), streams)
    expect(streams.stdout.text).toMatch(/listeners\[0\]\.ws\.path.*\/a, \/b/)
    expect(streams.stdout.text).toMatch(/listeners\[0\]\.ws\.perMessageDeflate.*\{"thresholdBytes":9\}/)
  })

  test('there is no colour where NO_COLOR asks for none', async () => {
    vi.stubEnv('NO_COLOR', '1')
    onTestFinished(() => void vi.unstubAllEnvs())
    const streams = testStreams({ isTTY: true })
    await check(fileOf('drainMs: 7\n'), streams)
    expect(streams.stdout.text).toContain('drainMs')
    expect(streams.stdout.text).not.toContain('\u001b')
  })
})
