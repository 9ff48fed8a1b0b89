/** The command line: its help, its options and environment variables, and what it says of a slip. */

import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { run } from '../../packages/cli/src/program.js'
import { testStreams } from './streams.js'

const serve = vi.hoisted(() => vi.fn(async () => 0))
vi.mock('../../packages/cli/src/serve.js', () => ({ serve }))

interface Ran {
  readonly code: number
  readonly output: string
  readonly errors: string
}

async function ran(args: readonly string[], env: Readonly<Record<string, string>> = {}, isTTY = false): Promise<Ran> {
  for (const [name, value] of Object.entries(env)) vi.stubEnv(name, value)
  onTestFinished(() => void vi.unstubAllEnvs())
  const streams = testStreams({ isTTY })
  const code = await run(args, { streams, stop: () => new AbortController().signal })
  return { code, output: streams.stdout.text, errors: streams.stderr.text }
}

const COMMANDS = ['serve', 'check', 'pub', 'sub', 'passcode', 'doctor']

describe('help', () => {
  test.each([[[]], [['--help']], [['-h']], [['help']]])(
    'is what %j prints: every command, with examples',
    async (args) => {
      const { code, output, errors } = await ran(args)
      expect({ code, errors }).toEqual({ code: 0, errors: '' })
      for (const word of [...COMMANDS, 'Examples:', 'xtomp sub /topic/news']) expect(output).toContain(word)
    },
  )

  test.each(COMMANDS)('answers for %s, with examples, both ways', async (command) => {
    const [one, other] = [await ran([command, '--help']), await ran(['help', command])]
    expect(one).toEqual(other)
    expect(one).toMatchObject({ code: 0, errors: '' })
    for (const word of [`Usage: xtomp ${command}`, 'Examples:', `  xtomp ${command}`])
      expect(one.output).toContain(word)
  })

  test.each([
    [['help', 'hold']],
    [['help', 'bench', 'hold']],
    [['bench', 'help', 'hold']],
    [['help', 'hold', '--connections', '5']],
  ])('answers by %j for what stands below bench', async (args) => {
    const help = await ran(args)
    expect(help).toEqual(await ran(['bench', 'hold', '--help']))
    expect(help.output).toContain('Usage: xtomp bench hold')
  })

  test('that is asked of a command does nothing else, whatever stands behind its name', async () => {
    serve.mockClear()
    expect(await ran(['help', 'serve', '--port', '1'])).toEqual(await ran(['serve', '--help']))
    expect(serve).not.toHaveBeenCalled()
  })

  test('names the environment variables', async () => {
    const { output } = await ran(['serve', '--help'])
    const names = ['CONFIG', 'PORT', 'HOST', 'LOG_LEVEL', 'LOG_FORMAT', 'DRAIN_MS', 'WORKERS', 'LOGIN', 'PASSCODE']
    for (const name of names) expect(output).toContain(`XTOMP_${name}`)
    expect((await ran(['pub', '--help'])).output).toContain('XTOMP_URL')
  })

  test.each(['pub', 'sub'])(
    'says to %s which names are queues, and what becomes of other messages',
    async (command) => {
      const { output } = await ran([command, '--help'])
      expect(output).toContain('only a name that begins with /queue/ is a queue')
      expect(output).toContain('nobody is subscribed is gone')
    },
  )

  test('is bold on a terminal, and plain elsewhere', async () => {
    expect((await ran(['--help'], {}, true)).output).toContain('\u001b[1mUsage:')
    expect((await ran(['--help'], { NO_COLOR: '1' }, true)).output).not.toContain('\u001b')
    expect((await ran(['--help'])).output).not.toContain('\u001b')
  })

  test('says which xtomp this is', async () => {
    expect((await ran(['--version'])).output).toMatch(/^\d+\.\d+\.\d+\n$/)
  })
})

describe('what serve is asked for', () => {
  const FLAGS = ['--config', 'a.yaml', '--port', '1', '--host', 'a', '--log-level', 'warn', '--log-format', 'json']
  const ENV = {
    XTOMP_CONFIG: 'b.yaml',
    XTOMP_PORT: '2',
    XTOMP_HOST: 'b',
    XTOMP_LOG_LEVEL: 'debug',
    XTOMP_LOG_FORMAT: 'pretty',
    XTOMP_DRAIN_MS: '3',
    XTOMP_WORKERS: '4',
    XTOMP_LOGIN: 'ann',
    XTOMP_PASSCODE: 'secret',
  }
  const fromEnv = {
    config: 'b.yaml',
    port: 2,
    host: 'b',
    logLevel: 'debug',
    logFormat: 'pretty',
    drainMs: 3,
    workers: 4,
  }
  const fromFlags = { config: 'a.yaml', port: 1, host: 'a', logLevel: 'warn', logFormat: 'json' }
  const user = { login: 'ann', passcode: 'secret' }

  test.each([
    [[], {}, { user: undefined }],
    [[], ENV, { ...fromEnv, user }],
    [FLAGS, {}, { ...fromFlags, user: undefined }],
    [FLAGS, ENV, { ...fromEnv, ...fromFlags, user }],
    [[], { XTOMP_PORT: '', XTOMP_LOG_LEVEL: '' }, { user: undefined }],
  ])('by %j and the environment %j is %j: flags go first', async (args, env, wanted) => {
    serve.mockClear()
    expect(await ran(['serve', ...args], env)).toEqual({ code: 0, output: '', errors: '' })
    expect(serve.mock.calls).toEqual([[wanted, expect.anything()]])
  })
})

describe('a slip', () => {
  const slips: [args: string[], says: string, env?: Record<string, string>][] = [
    [['srve'], "unknown command 'srve'\n(Did you mean serve?)"],
    [['--vresion'], "unknown option '--vresion'\n(Did you mean --version?)"],
    [['serve', '--prot', '1'], "unknown option '--prot'\n(Did you mean --port?)"],
    [['serve', '--port', 'x'], "--port (XTOMP_PORT) must be a whole number from 0 to 65535; given 'x'"],
    [['serve', '--port', '70000'], "--port (XTOMP_PORT) must be a whole number from 0 to 65535; given '70000'"],
    [['serve', '--port='], "--port (XTOMP_PORT) must be a whole number from 0 to 65535; given ''"],
    [['serve', '--port=-1'], "--port (XTOMP_PORT) must be a whole number from 0 to 65535; given '-1'"],
    [['serve'], "--port (XTOMP_PORT) must be a whole number from 0 to 65535; given 'y'", { XTOMP_PORT: 'y' }],
    [['serve', '--port'], "option '-p, --port <number>' argument missing"],
    [['serve', '--host='], "--host must be a text that is not empty; given ''"],
    [['serve', 'here'], "too many arguments for 'serve'. Expected 0 arguments but got 1."],
    [['serve'], 'XTOMP_LOGIN and XTOMP_PASSCODE go together; one of them is missing', { XTOMP_LOGIN: 'ann' }],
    [['check'], "missing required argument 'file'"],
    [['pub'], "missing required argument 'destination'"],
    [['pub', '/a', '--header', 'x'], 'a header must be name:value; given "x"'],
    [['sub', '/a', '--count', '0'], "--count must be a whole number from 1 to 9007199254740991; given '0'"],
    [['doctor'], "required option '-n, --connections <number>' not specified"],
    [['doctor', '--connection', '100'], "unknown option '--connection'\n(Did you mean --connections?)"],
    [['help', 'srve'], "unknown command 'srve'\n(Did you mean serve?)"],
    [['help', 'bench', 'hodl'], "unknown command 'hodl'\n(Did you mean hold?)"],
    [['doctor', '--connections', '0'], "--connections must be a whole number from 1 to 4294967296; given '0'"],
    [['doctor', '--connections=1e5'], "--connections must be a whole number from 1 to 4294967296; given '1e5'"],
    [['doctor', '-n', '1', '--workers', '0'], "--workers must be a whole number from 1 to 4096; given '0'"],
    [['doctor', '-n', '1', '--worker', '2'], "unknown option '--worker'\n(Did you mean --workers?)"],
    [['pub', '/a', '--json', '--whole'], "option '-w, --whole' cannot be used with option '-j, --json'"],
    [
      ['pub', '/a', '--url', 'http://h'],
      "a broker's URL must be stomp://host:port, ws://host:port/path or wss://host:port/path",
    ],
    [
      ['pub', '/a', '--url', 'stomp://h/x'],
      "a broker's URL stomp://host:port has no path; --vhost NAME names a virtual host",
    ],
    [['pub', '/a', '--url', 'stomp://a:%@h'], "in a broker's URL a % of login or passcode must be written %25"],
  ]
  test.each(slips)('%j is told so in a line, with exit code 2: %s', async (args, says, env) => {
    expect(await ran(args, env)).toEqual({ code: 2, output: '', errors: `xtomp: ${says}\n` })
  })

  test('in the choice of a level names those that there are', async () => {
    const { code, errors } = await ran(['serve', '--log-level', 'loud'])
    expect(code).toBe(2)
    expect(errors).toMatch(/^xtomp: .*'loud'.*trace, debug, info, warn, error, fatal, silent\.\n$/)
  })

  const leaks = [
    ['serve', '--passcode=hunter2'],
    ['pub', '/a', 'b', '--ulr=stomp://ann:hunter2@h'],
    ['pub', '/a', 'b', '--ulr', 'stomp://ann:hunter2@h'],
    ['pub', '/a', 'b', '--url', 'ann:hunter2@h'],
    ['pub', '/a', 'b', '--url', 'hunter2://h'],
    ['pub', '/a', 'b', '--url', 'stomp://ann:hunter2@h:port'],
    ['stomp://ann:hunter2@h'],
    ['pub', '/a', 'b', '--url', 'stomp://ann:hunter2@127.0.0.1:1'],
    ['pub', '/a', 'b', '--url', 'ws://ann:hunter2@127.0.0.1:1/x'],
  ]
  test.each(leaks.map((args) => [args]))('shows no passcode of %j', async (args) => {
    const { code, output, errors } = await ran(args)
    expect(code).toBeGreaterThan(0)
    expect(errors).toMatch(/^xtomp: /)
    expect(output + errors).not.toContain('hunter2')
  })
})
