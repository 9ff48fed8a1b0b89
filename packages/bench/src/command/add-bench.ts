/** `xtomp bench`: its commands, their options and their help. */

import { closeSync, lstatSync, openSync, readFileSync, unlinkSync, writeFileSync } from 'node:fs'
import { type Command, Option } from 'commander'
import type { WorkloadName } from '../load/plan.js'
import { figuresOfBroker } from '../run/broker-watch.js'
import { compare } from '../run/compare.js'
import { measure } from '../run/measure.js'
import type { Result } from '../run/result.js'
import { BOUNDS, type Bounds, CONNECTIONS, DEFAULT_URL, type LoadOptions } from '../run/settings.js'
import { otherUrl, urlOf } from '../run/target.js'
import type { BenchOutput } from './output.js'
import { pageOf } from './page.js'
import { ProgressLine } from './progress.js'
import { comparisonOf, heading, tableOf } from './table.js'

/** What the command is run with. */
export interface BenchSurroundings {
  readonly streams: { readonly stdout: BenchOutput; readonly stderr: BenchOutput }
  /** Aborted when the process is told to stop. */
  stop(): AbortSignal
}

/** Exit codes: all went well, or something failed. A command line that makes no sense is a TypeError. */
const EXIT = { fine: 0, failed: 1 } as const
const ROUNDS = 3

type LoadName = keyof LoadOptions
type NumberName = keyof typeof BOUNDS

/** What each workload is for, and which options are its own. */
const COMMANDS: Readonly<
  Record<WorkloadName, { summary: string; description: string; own: readonly LoadName[]; example: string }>
> = {
  connect: {
    summary: 'how fast sessions come to be',
    description:
      'Open sessions, each with a subscription that is confirmed, and close them. Says how many a second, and how long one took.',
    own: ['connections'],
    example: '--connections 5000',
  },
  hold: {
    summary: 'what a session costs that does nothing',
    description:
      'Open subscribed sessions and hold them. With --pid, says what each takes of the broker: the slope between one in twenty of them and all.',
    own: ['connections', 'seconds'],
    example: '--connections 19000 --pid 4711 --heart-beat 10000,10000',
  },
  fanout: {
    summary: 'one message to many',
    description: 'One producer sends to a topic that many are subscribed to, and keeps --window messages on their way.',
    own: ['connections', 'window', 'seconds', 'messages', 'rate', 'bodyBytes'],
    example: '--subscribers 1000 --window 32',
  },
  queue: {
    summary: 'messages through a queue',
    description: 'Producers send to a queue, as fast as their receipts allow, and consumers take from it.',
    own: ['producers', 'consumers', 'seconds', 'messages', 'rate', 'bodyBytes', 'ack', 'receiptEvery'],
    example: '--producers 4 --consumers 4 --ack client-individual',
  },
  echo: {
    summary: 'how long a message takes',
    description: 'Each client sends a message to a topic of its own, waits until it comes, and sends the next.',
    own: ['connections', 'seconds', 'messages', 'bodyBytes'],
    example: '--messages 20000',
  },
  churn: {
    summary: 'clients that come and go',
    description:
      'Sessions subscribe, disconnect, and others take their places. With --pid, says whether the broker keeps something of them.',
    own: ['connections', 'seconds', 'messages'],
    example: '--messages 1000000 --pid 4711',
  },
  storm: {
    summary: 'everybody loses its connection at once',
    description:
      'All clients lose their connections at once, and come back at once. Says how long it takes until all are subscribed again, and what another session noticed.',
    own: ['connections', 'storms'],
    example: '--connections 19000',
  },
}

/** Every option that is a number, with its word where that is another than its name, and what it is. */
const NUMBERS: Readonly<Record<NumberName, { readonly flag: string; readonly text: string }>> = {
  connections: { flag: '--connections', text: 'how many' },
  producers: { flag: '--producers', text: 'how many send' },
  consumers: { flag: '--consumers', text: 'how many take' },
  seconds: { flag: '--seconds', text: 'how long' },
  messages: { flag: '--messages', text: 'how many in all, however long that takes' },
  window: { flag: '--window', text: 'messages on their way' },
  rate: { flag: '--rate', text: 'messages a second; without it, as many as the broker takes' },
  bodyBytes: { flag: '--body', text: 'octets of a message' },
  receiptEvery: {
    flag: '--receipt-every',
    text: 'each so many-th SEND asks for a receipt; twice as many are unconfirmed at most; 0: none',
  },
  processes: { flag: '--processes', text: 'processes of clients (default: as many as their open files need)' },
  sources: {
    flag: '--sources',
    text: 'connect from so many addresses, 127.0.0.1 and on (default: as many as ports need)',
  },
  atOnce: {
    flag: '--at-once',
    text: 'connections that each process opens at once (default: 128; 1,024 in all at most)',
  },
  storms: { flag: '--storms', text: 'how often' },
  timeoutSeconds: { flag: '--timeout', text: 'give up when nothing happens for so many seconds' },
}

/** What commander makes of a command line. */
interface Given {
  readonly url: string
  readonly vhost: string
  readonly login?: string
  readonly passcode?: string
  readonly ca?: string
  readonly insecure?: true
  readonly unconfirmed?: true
  readonly destination?: string
  readonly heartBeat?: string
  readonly ack?: LoadOptions['ack']
  readonly pid?: readonly number[]
  readonly compare?: string
  readonly comparePid?: readonly number[]
  readonly rounds?: number
  readonly json?: true
  readonly report?: string
  readonly [name: string]: unknown
}

/**
 * Adds its commands to one of the program's own, `bench`. They call `answer` with the exit code; a command line that makes
 * no sense is thrown as a TypeError.
 */
export function addBench(bench: Command, surroundings: BenchSurroundings, answer: (code: number) => void): void {
  bench
    .description(
      'Load any STOMP broker, and measure it. Each workload is a command: bench echo --help says what it takes.',
    )
    .addHelpText('after', examples('echo', 'fanout --subscribers 1000 --window 32 --report fan-out.html'))
  for (const workload of Object.keys(COMMANDS) as WorkloadName[]) addWorkload(bench, workload, surroundings, answer)
}

function addWorkload(
  bench: Command,
  workload: WorkloadName,
  surroundings: BenchSurroundings,
  answer: (code: number) => void,
): void {
  const { summary, description, own, example } = COMMANDS[workload]
  const command = bench.command(workload).summary(summary).description(description)
  for (const name of own) command.addOption(name === 'ack' ? ackOption() : numberOption(name as NumberName, workload))
  for (const option of commonOptions()) command.addOption(option)
  command
    .addHelpText('after', examples(`${workload} ${example}`, `${workload} --url ws://localhost:61614/stomp --json`))
    .action(async (given: Given) => answer(await run(workload, given, surroundings)))
}

function commonOptions(): Option[] {
  const url = new Option(
    '-u, --url <url>',
    'stomp:// (TCP), stomps:// (TLS), ws:// or wss://, login:passcode@host:port/path',
  )
    .env('XTOMP_URL')
    .default(DEFAULT_URL)
  const text = (flag: string, words: string): Option => new Option(`${flag} <text>`, words)
  return [
    url,
    new Option('--vhost <name>', 'the virtual host').default('/'),
    text('--login', 'who we are'),
    text('--passcode', 'others see the arguments of a process: XTOMP_URL is a better place'),
    new Option('--ca <file>', "who vouches for the broker's certificate, as PEM"),
    new Option('--insecure', 'take any certificate'),
    new Option('--unconfirmed', 'ask for no receipt of SUBSCRIBE: some brokers answer none'),
    text('--destination', 'where messages go (default: one that nobody else has)'),
    text('--heart-beat', 'what we can do and what we want, in ms, as 10000,10000').default('0,0'),
    numberOption('processes'),
    numberOption('sources'),
    numberOption('atOnce'),
    numberOption('timeoutSeconds'),
    pidOption('--pid', "the broker's process, or processes with commas: its memory and processor time (Linux)"),
    text('--compare', 'host:port or URL of another broker: both in turn, and ratios'),
    pidOption('--compare-pid', "the other broker's process"),
    new Option(
      '--rounds <number>',
      `how often each is measured that is compared, after a first time to warm up (default: ${ROUNDS}; hold: 1, with none before)`,
    ).argParser(numberOf('--rounds', { least: 1, most: 100 })),
    new Option('-j, --json', 'all of it, as JSON, in place of the table'),
    new Option('--report <file>', 'write a page with charts, which loads nothing from anywhere'),
  ]
}

/** Its word on a command line: whoever is connected for a fan-out is a subscriber. */
function wordOf(name: NumberName, workload: WorkloadName | undefined): string {
  return workload === 'fanout' && name === 'connections' ? '--subscribers' : NUMBERS[name].flag
}

function numberOption(name: NumberName, workload?: WorkloadName): Option {
  const { text } = NUMBERS[name]
  const word = wordOf(name, workload)
  const bounds: Bounds = BOUNDS[name]
  const byDefault = name === 'connections' && workload !== undefined ? CONNECTIONS[workload] : bounds.byDefault
  const option = new Option(`${word} <number>`, text).argParser(numberOf(word, bounds))
  return byDefault === undefined ? option : option.default(byDefault)
}

function ackOption(): Option {
  return new Option('--ack <mode>', 'how consumers acknowledge')
    .choices(['auto', 'client', 'client-individual'])
    .default('auto')
}

function pidOption(flag: string, text: string): Option {
  const one = numberOf(flag, { least: 1, most: 2 ** 31 - 1 })
  return new Option(`${flag} <pid>`, text).argParser((pids) => pids.split(/[, ]/).map(one))
}

function numberOf(name: string, { least, most }: Bounds): (text: string) => number {
  return (text) => {
    if (!/^\d{1,10}$/.test(text) || Number(text) < least || Number(text) > most)
      throw new TypeError(`${name} must be a whole number from ${least} to ${most}; given '${text}'`)
    return Number(text)
  }
}

async function run(workload: WorkloadName, given: Given, surroundings: BenchSurroundings): Promise<number> {
  const { stdout, stderr } = surroundings.streams
  const options = optionsOf(workload, given)
  for (const pids of [given.pid, given.comparePid]) tryToLookAt(pids)
  if (given.report !== undefined) tryToWrite(given.report)
  const signal = surroundings.stop()
  const measured = async (options: LoadOptions, title: string): Promise<Result> => {
    const line = new ProgressLine(stderr, title)
    try {
      return await measure(workload, options, { signal, sampled: (sample) => line.show(sample) })
    } finally {
      line.end()
    }
  }
  if (given.compare === undefined) {
    const result = await measured(options, workload)
    stdout.write(given.json ? `${JSON.stringify(result)}\n` : tableOf(result))
    return finish([[result]], given, surroundings)
  }
  const other = { ...options, url: otherUrl(given.compare, given.url), pids: given.comparePid ?? [] }
  const rounds = roundsOf(workload, given)
  const compared = await compare(rounds, (which, round) =>
    measured(
      which === 0 ? options : other,
      `${workload} ${'AB'[which]} ${round === 0 ? 'warming up' : `${round}/${rounds.rounds}`}`,
    ),
  )
  const [[first]] = compared.runs as [[Result, Result]]
  stdout.write(given.json ? `${JSON.stringify(compared)}\n` : `${heading(first)}${comparisonOf(compared)}`)
  return finish(compared.runs, given, surroundings)
}

/** What a broker has had for other connections it has already: only the first that it holds show what they take. */
function roundsOf(workload: WorkloadName, { rounds }: Given): Parameters<typeof compare>[0] {
  const isWarmedUp = workload !== 'hold'
  return { rounds: rounds ?? (isWarmedUp ? ROUNDS : 1), isWarmedUp }
}

/** Writes the page, and says what went wrong. */
function finish(
  runs: readonly (readonly Result[])[],
  { report }: Given,
  { streams: { stderr } }: Pick<BenchSurroundings, 'streams'>,
): number {
  const faults = new Set(runs.flat().flatMap(({ fault }) => (fault === undefined ? [] : [fault])))
  for (const fault of faults) stderr.write(`xtomp: ${fault}\n`)
  if (report !== undefined) {
    try {
      writeFileSync(report, pageOf(runs))
    } catch (error) {
      stderr.write(`xtomp: ${report} cannot be written: ${(error as Error).message}\n`)
      return EXIT.failed
    }
  }
  return faults.size === 0 ? EXIT.fine : EXIT.failed
}

function optionsOf(workload: WorkloadName, given: Given): LoadOptions {
  const number = (name: NumberName): number | undefined =>
    given[new Option(wordOf(name, workload)).attributeName()] as number | undefined
  const numbers = Object.fromEntries((Object.keys(NUMBERS) as NumberName[]).map((name) => [name, number(name)]))
  urlOf(given.url)
  return {
    ...numbers,
    url: given.url,
    vhost: given.vhost,
    login: given.login,
    passcode: given.passcode,
    ca: given.ca === undefined ? undefined : certificateIn(given.ca),
    isInsecure: given.insecure === true,
    isUnconfirmed: given.unconfirmed === true,
    ack: given.ack,
    destination: given.destination,
    heartBeat: given.heartBeat,
    pids: given.pid,
  }
}

function certificateIn(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch (error) {
    throw new TypeError(`--ca ${file} cannot be read: ${(error as Error).message}`)
  }
}

/** A process that is not there is no fault of a broker: it is told before one is asked for anything. */
function tryToLookAt(pids: readonly number[] = []): void {
  try {
    figuresOfBroker(pids)
  } catch (error) {
    throw new TypeError((error as Error).message)
  }
}

/** What would fail when all has been measured is tried before, and what is there is left as it is. */
function tryToWrite(report: string): void {
  try {
    const isNew = lstatSync(report, { throwIfNoEntry: false }) === undefined
    closeSync(openSync(report, 'a'))
    if (isNew) unlinkSync(report)
  } catch (error) {
    throw new TypeError(`--report ${report} cannot be written: ${(error as Error).message}`)
  }
}

function examples(...lines: readonly string[]): string {
  return `\nExamples:\n${lines.map((line) => `  xtomp bench ${line}`).join('\n')}\n`
}
