/** The rows of the table: the clients, each in a program of its own language, or in this process where that is Node. */

import { spawn } from 'node:child_process'
import { join } from 'node:path'
import type { Version } from '@xtomp/core'
import { firstThatWorks, RunningProgram } from '../support/programs.js'
import { root } from '../support/sources.js'
import type { BehaviourName } from './behaviours.js'
import type { Connect, Received } from './node-client.js'
import { showsOf } from './node-steps.js'
import { connectStompit } from './stompit-client.js'
import { connectStompjs } from './stompjs-client.js'

/** Paths of files. */
export interface TlsFiles {
  readonly ca: string
  readonly cert?: string
  readonly key?: string
}

/** A run of a client: which behaviour it shows, to the broker on which port, in which versions. */
export interface Run {
  readonly port: number
  readonly behaviour: BehaviourName
  readonly versions: readonly Version[]
  /** Files in PEM, where it is to speak TLS: whom to trust, and what to show, if anything. */
  readonly tls?: TlsFiles
  /** Aborted when nobody waits for it any longer. */
  readonly signal: AbortSignal
}

/** A client library. */
export interface Client {
  readonly name: string
  /** The version that its users get, or are told to ask for. */
  readonly usual: Version
  /** What it cannot do, and why. */
  readonly lacks: Readonly<Partial<Record<BehaviourName, string>>>
  /** What it needs that is not on this machine; undefined where nothing is missing. */
  readonly missing: string | undefined
  /** Shows a behaviour; answers a line for each version, of what it saw. */
  show(run: Run): Promise<string>
}

/** Where a library comes from, the commands that may have it, and what only those that have it can do. */
interface Language {
  readonly needs: string
  readonly commands: readonly string[]
  readonly probe: readonly string[]
}

/** All of them. */
export const clients: readonly Client[] = [
  {
    name: 'stomp.py',
    usual: '1.1',
    lacks: {},
    ...program('stomp-py.py', {
      needs: 'python3-stomp',
      commands: ['python3', '/usr/bin/python3'],
      probe: ['-c', 'import stomp'],
    }),
  },
  {
    name: 'ruby-stomp',
    usual: '1.2',
    lacks: {},
    ...program('ruby-stomp.rb', {
      needs: 'ruby-stomp',
      commands: ['ruby', '/usr/bin/ruby'],
      probe: ['-r', 'stomp', '-e', ''],
    }),
  },
  {
    name: 'Net::Stomp',
    usual: '1.0',
    lacks: { 'heart-beats': 'Net::Stomp has no heart-beats' },
    ...program('net-stomp.pl', {
      needs: 'libnet-stomp-perl',
      commands: ['perl', '/usr/bin/perl'],
      probe: ['-MNet::Stomp', '-e', ''],
    }),
  },
  {
    name: 'php-stomp',
    usual: '1.0',
    lacks: { 'heart-beats': 'php-stomp has no heart-beats' },
    ...program('php-stomp.php', {
      needs: 'php-stomp',
      commands: ['php', '/usr/bin/php'],
      probe: ['-r', 'new ReflectionClass("Stomp");'],
    }),
  },
  { name: 'stompit', usual: '1.2', lacks: {}, ...inProcess(connectStompit) },
  { name: '@stomp/stompjs', usual: '1.2', lacks: {}, ...inProcess(connectStompjs) },
]

/** A client that is a program here, if one of the commands finds its library. */
function program(file: string, { needs, commands, probe }: Language): Pick<Client, 'missing' | 'show'> {
  const command = firstThatWorks(commands, probe)
  return {
    missing: command === undefined ? `needs the Debian package ${needs}` : undefined,
    show: ({ port, behaviour, versions, tls, signal }) => {
      if (command === undefined) throw new Error('it is missing')
      const path = join(root, 'test', 'interop', file)
      const env = { ...process.env, ...variablesOf(tls) }
      const running = new RunningProgram(spawn(command, [path, String(port), behaviour, ...versions], { env }))
      signal.addEventListener('abort', () => void running.stop())
      return running.ends()
    },
  }
}

function variablesOf(tls: TlsFiles | undefined): NodeJS.ProcessEnv {
  if (tls === undefined) return {}
  const { ca, cert, key } = tls
  return { TLS_CA: ca, ...(cert !== undefined && { TLS_CERT: cert }), ...(key !== undefined && { TLS_KEY: key }) }
}

/** A client that is a module of this process. */
function inProcess<Taken extends Received>(connect: Connect<Taken>): Pick<Client, 'missing' | 'show'> {
  return {
    missing: undefined,
    show: async ({ port, behaviour, versions }) => {
      const show = showsOf(connect, port)[behaviour]
      let lines = ''
      for (const version of versions) lines += `${version}: ${await show(version)}\n`
      return lines
    },
  }
}
