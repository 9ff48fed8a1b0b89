/** The commands, their options and their help; what they do is a file each. */

import { readFileSync } from 'node:fs'
import { Command, CommanderError, Option } from 'commander'
import { DEFAULT_URL, urlOf } from './client/connect.js'
import { headerOf } from './client/header.js'
import { LOG_FORMATS, LOG_LEVELS, type LogFormat, type LogLevel, type UserConfig } from './config/config.js'
import { EXIT } from './exit-codes.js'
import { coloursOf, type Streams, withoutPasscode } from './streams.js'

/** What a command line is run with. */
export interface Surroundings {
  readonly streams: Streams
  /** Aborted when the process is told to stop; asked for by those commands that end by themselves. */
  stop(): AbortSignal
}

/** Runs a command line, and answers its exit code. */
export async function run(args: readonly string[], surroundings: Surroundings): Promise<number> {
  const { streams } = surroundings
  let code: number = EXIT.fine
  const answer = (given: number): void => {
    code = given
  }
  const program = programFor(surroundings, answer)
  await addBench(program, { args, surroundings, answer })
  addHelp(program)
  if (args.length === 0) program.outputHelp()
  else {
    try {
      await program.parseAsync(args, { from: 'user' })
    } catch (error) {
      if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.fine : EXIT.usage
      if (!(error instanceof TypeError)) throw error
      streams.stderr.write(`xtomp: ${withoutPasscode(error.message)}\n`)
      return EXIT.usage
    }
  }
  return code
}

type Answer = (code: number) => void

function programFor({ streams, stop }: Surroundings, answer: Answer): Command {
  const program = new Command('xtomp')
    .description('A STOMP 1.0, 1.1 and 1.2 broker, and a client for any.')
    .version(version(), '-V, --version', 'which xtomp this is')
    .helpOption('-h, --help', 'what there is; after a command, what it takes')
    .helpCommand(false)
    .exitOverride()
    .configureOutput({
      writeOut: (text) => void streams.stdout.write(text),
      writeErr: (text) => void streams.stderr.write(text),
      outputError: (text, write) => write(sayable(text)),
      getOutHasColors: () => coloursOf(streams.stdout).isColorSupported,
      getErrHasColors: () => coloursOf(streams.stderr).isColorSupported,
      getOutHelpWidth: () => streams.stdout.columns ?? HELP_WIDTH,
      getErrHelpWidth: () => streams.stderr.columns ?? HELP_WIDTH,
    })
    .configureHelp({ styleTitle: coloursOf(streams.stdout).bold })
    .addHelpText('after', examples('xtomp serve', 'xtomp sub /topic/news', 'xtomp pub /topic/news hello'))
  for (const add of [addServe, addCheck, addPub, addSub, addPasscode, addDoctor])
    add(program, { streams, stop }, answer)
  return program
}

const HELP_WIDTH = 100

/** What nobody sees who loses a message. */
const NAMES = `
In xtomp only a name that begins with /queue/ is a queue. Any other is a topic: what is sent to it while
nobody is subscribed is gone, and pub still ends with exit code 0. Other brokers have rules of their own.`

function addServe(program: Command, { streams }: Surroundings, answer: Answer): void {
  program
    .command('serve')
    .summary('run a broker')
    .description('Run a broker until SIGTERM or SIGINT (Ctrl-C), which let sessions finish.')
    .addOption(env(option('-c, --config <file>', 'JSON, YAML, or a module'), 'XTOMP_CONFIG'))
    .addOption(
      env(
        option('-p, --port <number>', 'the TCP port; 0 for any that is free (default: 61613)'),
        'XTOMP_PORT',
      ).argParser(numberIn('--port (XTOMP_PORT)', 0, 65_535)),
    )
    .addOption(
      env(
        option('--host <address>', 'the address to bind (default: 127.0.0.1, this machine only)'),
        'XTOMP_HOST',
      ).argParser(notEmpty('--host')),
    )
    .addOption(
      env(
        option('--web-port <number>', 'shared by WebSocket, the page and STOMP; off for none (default: port + 1)'),
        'XTOMP_WEB_PORT',
      ).argParser(offOr(numberIn('--web-port (XTOMP_WEB_PORT)', 0, 65_535))),
    )
    .addOption(
      env(option('--log-level <level>', 'the least that is logged (default: info)'), 'XTOMP_LOG_LEVEL').choices(
        LOG_LEVELS,
      ),
    )
    .addOption(
      env(
        option('--log-format <format>', 'how (default: pretty on a terminal, else json)'),
        'XTOMP_LOG_FORMAT',
      ).choices(LOG_FORMATS),
    )
    .addOption(
      env(option('--drain-ms <number>', 'how long sessions may finish (default: 5000)'), 'XTOMP_DRAIN_MS').argParser(
        numberIn('--drain-ms (XTOMP_DRAIN_MS)', 0, 2 ** 31 - 1),
      ),
    )
    .addOption(
      env(
        option('--workers <number>', 'processes that share the doors as one broker (default: one process, all in all)'),
        'XTOMP_WORKERS',
      ).argParser(numberIn('--workers (XTOMP_WORKERS)', 1, 1_024)),
    )
    .addHelpText(
      'after',
      `\nXTOMP_LOGIN and XTOMP_PASSCODE name a user who may connect; with one, everybody else is refused.
Flags go before environment variables, those before the file, that before the defaults.
${examples('xtomp serve', 'xtomp serve --port 0 --log-level debug', 'xtomp serve --config broker.yaml')}`,
    )
    .action(
      async (options: {
        config?: string
        port?: number
        host?: string
        webPort?: number | 'off'
        logLevel?: LogLevel
        logFormat?: LogFormat
        drainMs?: number
        workers?: number
      }) => {
        const user = userOf(process.env)
        const { serve } = await import('./serve.js')
        answer(await serve({ ...options, user }, streams))
      },
    )
}

function addCheck(program: Command, { streams }: Surroundings, answer: Answer): void {
  program
    .command('check')
    .summary('say what is wrong with a configuration')
    .description(
      'Say what is wrong with a configuration, and where. Exit code 0: fine; 1: wrong; 2: it cannot be read.',
    )
    .argument('<file>', 'JSON, YAML, or a module, which is run')
    .addHelpText('after', examples('xtomp check broker.yaml'))
    .action(async (file: string) => {
      const { check } = await import('./check.js')
      answer(await check(file, streams))
    })
}

interface ClientOptions {
  readonly url: URL
  readonly vhost: string
  readonly header?: Readonly<Record<string, string>>
  readonly json?: true
  readonly receipt?: true
}

function addPub(program: Command, { streams, stop }: Surroundings, answer: Answer): void {
  clientOptions(program.command('pub'))
    .summary('send messages to any STOMP broker')
    .description(
      'Send a message to any STOMP broker, or each line of stdin as one. Exit code 0: the broker has confirmed all.',
    )
    .argument('<destination>', 'where to; /queue/… keeps messages until somebody takes them')
    .argument('[body]', 'what; each line of stdin where it is left out')
    .addOption(option('-j, --json', 'each message is JSON: {"body":"…","headers":{…}}, or base64 instead of body'))
    .addOption(option('-w, --whole', 'all of stdin is one message').conflicts('json'))
    .addOption(option('-r, --receipt', 'wait for the RECEIPT of each message before the next'))
    .addHelpText('after', NAMES)
    .addHelpText(
      'after',
      examples(
        'xtomp pub /queue/orders tea',
        'xtomp pub /queue/orders --header type:order < lines.txt',
        'xtomp sub /queue/a --json --count 10 | xtomp pub /queue/b --json',
      ),
    )
    .action(async (destination: string, body: string | undefined, options: ClientOptions & { whole?: true }) => {
      const { pub } = await import('./pub.js')
      const { url, vhost, header: headers = {} } = options
      const flags = {
        isJson: options.json === true,
        isWhole: options.whole === true,
        isConfirmed: options.receipt === true,
      }
      answer(await pub({ url, vhost, destination, body, headers, ...flags }, streams, stop()))
    })
}

function addSub(program: Command, { streams, stop }: Surroundings, answer: Answer): void {
  clientOptions(program.command('sub'))
    .summary('write what comes from any STOMP broker')
    .description('Write the messages of a destination of any STOMP broker, a line each, until Ctrl-C.')
    .argument('<destination>', 'a name, or a pattern as the broker understands it')
    .addOption(
      option('-n, --count <number>', 'end after so many').argParser(numberIn('--count', 1, Number.MAX_SAFE_INTEGER)),
    )
    .addOption(option('-j, --json', 'each message as JSON, with its headers'))
    .addOption(
      option('--ack <mode>', 'what is written is acknowledged, unless auto')
        .choices(['auto', 'client', 'client-individual'])
        .default('client-individual'),
    )
    .addOption(option('-r, --receipt', 'wait for the RECEIPT of the subscription, and say so on stderr'))
    .addHelpText('after', NAMES)
    .addHelpText(
      'after',
      examples("xtomp sub '/topic/prices.**'", 'xtomp sub /queue/orders --count 1 --json | jq .headers'),
    )
    .action(async (destination: string, options: ClientOptions & { count?: number; ack: string }) => {
      const { sub } = await import('./sub.js')
      const { url, vhost, header: headers = {}, count, ack } = options
      const flags = { isJson: options.json === true, isConfirmed: options.receipt === true }
      answer(await sub({ url, vhost, destination, headers, count, ack, ...flags }, streams, stop()))
    })
}

function addPasscode(program: Command, { streams }: Surroundings, answer: Answer): void {
  program
    .command('passcode')
    .summary('hash a passcode for a configuration')
    .description('Read a passcode from stdin, a line, and print its hash for `users` in a configuration.')
    .addHelpText('after', examples('xtomp passcode'))
    .action(async () => {
      const { passcode } = await import('./passcode.js')
      answer(await passcode(streams))
    })
}

function addDoctor(program: Command, { streams }: Surroundings, answer: Answer): void {
  program
    .command('doctor')
    .summary('say what will stop so many connections')
    .description(
      'Say what of this machine will stop so many connections, and what sets it. It reads, and changes nothing.\nExit code 0: nothing that can be seen; 1: something is in the way.',
    )
    .addOption(
      option('-n, --connections <number>', 'how many there are to be').argParser(
        numberIn('--connections', 1, MOST_CONNECTIONS),
      ),
    )
    .addOption(
      option('-w, --workers <number>', 'how many workers share them (default: one process, all in all)').argParser(
        numberIn('--workers', 1, MOST_WORKERS),
      ),
    )
    .addOption(option('-j, --json', 'all of it as a line of JSON'))
    .addHelpText(
      'after',
      examples(
        'xtomp doctor --connections 100000',
        'xtomp doctor --connections 1000000 --workers 4 --json | jq \'.rules[] | select(.state == "fault")\'',
      ),
    )
    .action(async ({ connections, workers, json }: { connections?: number; workers?: number; json?: true }) => {
      // The library would look for it first, and never come to tell of a name that is misspelt.
      if (connections === undefined) throw new TypeError("required option '-n, --connections <number>' not specified")
      const { doctor } = await import('./doctor.js')
      answer(doctor({ connections, workers, isJson: json === true }, streams))
    })
}

/** As many as there are IPv4 addresses and more than a machine has processors: beyond, it is a slip. */
const MOST_CONNECTIONS = 2 ** 32
const MOST_WORKERS = 4_096

/** Its commands are a package's that is loaded for those alone who name it or ask for help: nobody else waits for that. */
async function addBench(
  program: Command,
  { args, surroundings, answer }: { args: readonly string[]; surroundings: Surroundings; answer: Answer },
): Promise<void> {
  const bench = program.command('bench').summary('load any STOMP broker, and measure it')
  const isAsked = args[0] === 'help' && args.length > 1
  if (isAsked || args.includes('bench')) (await import('@xtomp/bench')).addBench(bench, surroundings, answer)
}

/** The library's own knows nothing of commands below another. */
function addHelp(program: Command): void {
  program
    .command('help')
    .summary('what a command takes')
    .description('Say what a command takes: help pub, help bench hold or help hold.')
    .argument('[command...]')
    .allowUnknownOption()
    .action((names: readonly string[]) => helpOf(program, names))
}

/** Prints the help of the command that these names lead to; where one leads nowhere, says what may have been meant. */
function helpOf(program: Command, [name = '', ...others]: readonly string[]): void {
  const inside = (command: Command) => command.commands.find((one) => one.name() === name)
  const command = inside(program) ?? program.commands.map(inside).find((one) => one !== undefined)
  if (command !== undefined && command.commands.length > 0) helpOf(command, others)
  else if (command !== undefined) command.outputHelp()
  else if (name === '') program.outputHelp()
  else program.parse([name], { from: 'user' })
}

function clientOptions(command: Command): Command {
  const header = option('-H, --header <name:value>', 'a header; may be given often').argParser(
    (text: string, before: Record<string, string> = {}) =>
      Object.fromEntries([...Object.entries(before), headerOf(text)]),
  )
  const url = env(option('-u, --url <url>', 'stomp://login:passcode@host:port, ws://… or wss://…'), 'XTOMP_URL')
    .argParser((text) => urlOf(text))
    .default(urlOf(DEFAULT_URL), DEFAULT_URL)
  return command.addOption(url).addOption(option('--vhost <name>', 'the virtual host').default('/')).addOption(header)
}

/** What is wrong with a command line, without what was given to an option that there is not: it may be a passcode. */
function sayable(text: string): string {
  return withoutPasscode(text.replace(/^error: /, 'xtomp: ').replace(/('--?[\w-]+=).*'/, "$1…'"))
}

/** An option, new each time: they remember what they were given. */
function option(flags: string, description: string): Option {
  return new Option(flags, description)
}

/** An option that an environment variable may give; an empty one gives nothing. */
function env(given: Option, name: string): Option {
  if (process.env[name] !== '') given.env(name)
  return given
}

function numberIn(name: string, least: number, most: number): (text: string) => number {
  return (text) => {
    // Number() would read an empty text as 0, any free port.
    if (!/^\d{1,16}$/.test(text) || Number(text) < least || Number(text) > most)
      throw new TypeError(`${name} must be a whole number from ${least} to ${most}; given '${text}'`)
    return Number(text)
  }
}

/** The same, or the word that there is to be none. */
function offOr(numberOf: (text: string) => number): (text: string) => number | 'off' {
  return (text) => {
    if (text === 'off') return text
    try {
      return numberOf(text)
    } catch (error) {
      throw new TypeError((error as Error).message.replace('must be', 'must be off, or'))
    }
  }
}

function notEmpty(name: string): (text: string) => string {
  return (text) => {
    if (text === '') throw new TypeError(`${name} must be a text that is not empty; given ''`)
    return text
  }
}

function userOf({ XTOMP_LOGIN: login = '', XTOMP_PASSCODE: passcode = '' }: NodeJS.ProcessEnv): UserConfig | undefined {
  if (login === '' && passcode === '') return undefined
  if (login === '' || passcode === '')
    throw new TypeError('XTOMP_LOGIN and XTOMP_PASSCODE go together; one of them is missing')
  return { login, passcode }
}

function examples(...lines: readonly string[]): string {
  return `\nExamples:\n${lines.map((line) => `  ${line}`).join('\n')}\n`
}

/** Beside the sources and beside what is built, the manifest is one folder up. */
function version(): string {
  const { version: number } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as {
    version: string
  }
  return number
}
