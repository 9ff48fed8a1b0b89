/** The public surface is a list that somebody reviewed: every entry point, every value and type that it exports. */

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import ts from 'typescript'
import { describe, expect, it } from 'vitest'
import { packages, parse, root } from './support/sources.js'

interface Names {
  readonly values: readonly string[]
  readonly types: readonly string[]
}

/**
 * What each entry point exports. A name that is added here is promised to users: it has a doc comment, is a word of the
 * glossary, and is not a second way to do something.
 */
const REVIEWED: Readonly<Record<string, Names>> = {
  '@xtomp/bench': {
    values: ['addBench', 'measure'],
    types: [
      'BenchOutput',
      'BenchSurroundings',
      'ConnectFigures',
      'Listening',
      'LoadOptions',
      'Result',
      'Sample',
      'ServerFigures',
      'StormFigures',
      'Times',
      'WorkFigures',
      'WorkloadName',
    ],
  },
  '@xtomp/core': {
    values: [
      'ERROR_CODES',
      'Headers',
      'ProtocolError',
      'Refusal',
      'StompError',
      'connectMemory',
      'createBroker',
      'createMemoryStore',
      'systemClock',
    ],
    types: [
      'AccessRequest',
      'AckMode',
      'Answer',
      'Broker',
      'BrokerEvents',
      'BrokerOptions',
      'BrokerStats',
      'Clock',
      'CloseOptions',
      'CloseReason',
      'ConnectRequest',
      'Connection',
      'ConnectionInfo',
      'Credentials',
      'DeliveryContext',
      'DestinationLimits',
      'DestinationRule',
      'DestinationSnapshot',
      'Door',
      'ErrorCode',
      'Excess',
      'FrameLimits',
      'FullPolicy',
      'GiveUpReason',
      'HeadersInit',
      'HeartBeatOptions',
      'Hooks',
      'HostDelivery',
      'HostSubscribeOptions',
      'HostSubscription',
      'Inbound',
      'Limits',
      'LogFields',
      'Logger',
      'MemoryClient',
      'MemoryReceiver',
      'Message',
      'MessageChanges',
      'MessageContext',
      'PublishOptions',
      'SessionInfo',
      'SessionLimits',
      'SessionSnapshot',
      'Settlement',
      'SlowPolicy',
      'Store',
      'StoreBatch',
      'StoredEntry',
      'SubscribeRequest',
      'SubscriptionInfo',
      'Version',
    ],
  },
  '@xtomp/core/destination': {
    values: [
      'Delivery',
      'Headers',
      'MessageIds',
      'PatternTrie',
      'StoredMessage',
      'Subscription',
      'commit',
      'isPattern',
      'memoryFull',
      'nobody',
    ],
    types: [
      'BackplaneWithQueues',
      'Completion',
      'Consumer',
      'DestinationContext',
      'DestinationSnapshot',
      'Inside',
      'KeptDestination',
      'LocalDestination',
      'NoRoom',
      'Origin',
      'Outcome',
      'Placed',
      'Plan',
      'PlannedSettlement',
      'QueueIdentity',
      'RemoteQueueKeeper',
      'RemoteQueues',
      'Router',
      'SubscriptionRequest',
      'Work',
    ],
  },
  '@xtomp/core/codec': {
    values: [
      'CLIENT_COMMANDS',
      'Decoder',
      'FRAME_LIMITS',
      'Interner',
      'OctetWriter',
      'SERVER_COMMANDS',
      'VERSIONS',
      'encodeFrame',
      'negotiateVersion',
    ],
    types: [
      'ClientCommand',
      'DecoderContext',
      'Frame',
      'FrameLimits',
      'FrameParts',
      'OctetAccount',
      'ServerCommand',
      'Version',
    ],
  },
  '@xtomp/core/ports': {
    values: [],
    types: [
      'ArrivedMessage',
      'Backplane',
      'BackplaneBroker',
      'CloseReason',
      'Completion',
      'Connection',
      'ConnectionInfo',
      'Delivery',
      'Destination',
      'Inbound',
      'Outcome',
      'Recipient',
      'Settlement',
      'Store',
      'StoreBatch',
      'StoredEntry',
    ],
  },
  '@xtomp/cluster': {
    values: ['startCluster'],
    types: [
      'Cluster',
      'ClusterOptions',
      'ToldDestination',
      'ToldSession',
      'WorkerDestination',
      'WorkerFacts',
      'WorkerSession',
    ],
  },
  '@xtomp/mux': {
    values: ['listen'],
    types: ['HealthOptions', 'Listener', 'MuxOptions', 'MuxTlsOptions', 'ProxyOptions'],
  },
  '@xtomp/net': {
    values: ['listen'],
    types: ['ListenOptions', 'Listener'],
  },
  '@xtomp/net/socket': {
    values: [
      'Arrivals',
      'Connections',
      'LONGEST_MS',
      'Seldom',
      'SocketConnection',
      'SocketDoor',
      'SpareFiles',
      'TrustedAddresses',
      'beginsTls',
      'bind',
      'checkBroker',
      'checkNames',
      'firstOctets',
      'isEncrypted',
      'isTakenAtOnce',
      'meant',
      'mostOpenFiles',
      'whyNoReusePort',
      'numberOf',
      'pathOf',
      'printable',
      'refuseTls',
      'settingsOf',
      'socketOptionsOf',
      'tellFaults',
      'tlsFactsOf',
      'tooMany',
    ],
    types: [
      'DoorKind',
      'ListenSettings',
      'NumberRule',
      'Place',
      'SocketDoorSettings',
      'SocketOptions',
      'SocketSettings',
    ],
  },
  '@xtomp/ws': {
    values: ['attach', 'listen'],
    types: [
      'AttachOptions',
      'Attachment',
      'CompressionOptions',
      'HttpServer',
      'ListenOptions',
      'Listener',
      'OriginRule',
      'PathRule',
      'WebSocketOptions',
    ],
  },
  '@xtomp/tls': {
    values: ['listen'],
    types: ['Certificates', 'ClientCertificate', 'Identity', 'ListenOptions', 'Listener', 'LoginFrom'],
  },
  '@xtomp/tls/socket': {
    values: ['Handshakes', 'SECURED_SOCKETS', 'TLS_OPTIONS', 'tlsSettingsOf'],
    types: [
      'Certificates',
      'ClientCertificate',
      'HandshakeEvents',
      'Identity',
      'LoginFrom',
      'TlsOptions',
      'TlsSettings',
    ],
  },
  '@xtomp/fastify': {
    values: ['stomp'],
    types: ['StompOptions', 'StompPlugin'],
  },
  '@xtomp/testing': {
    values: ['GlobalClock', 'ManualClock', 'createMemoryBackplane', 'createTestBroker', 'stompMatchers'],
    types: [
      'BrokerFaults',
      'ExpectedMessage',
      'ExpectedSubscription',
      'Fault',
      'Faults',
      'FaultyAnswer',
      'GlobalTimers',
      'ManualClockOptions',
      'MatcherAnswer',
      'MatcherContext',
      'ReceivedMessage',
      'SessionSubscription',
      'StompMatchers',
      'SwallowOptions',
      'TestBroker',
      'TestBrokerOptions',
      'TestConnection',
      'TestWebSocket',
      'TestWebSocketEvent',
      'TestWebSocketListener',
      'WaitOptions',
      'WebSocketData',
    ],
  },
  '@xtomp/testing/contracts': {
    values: ['backplaneContract', 'connectionContract', 'destinationContract', 'storeContract'],
    types: [
      'BackplaneHarness',
      'BackplaneMessage',
      'ConnectionHarness',
      'ConnectionPeer',
      'ConnectionPeerEvents',
      'Contract',
      'DestinationHarness',
      'DestinationMessage',
      'StoreHarness',
    ],
  },
}

/** How many public names the main entry of core may have. */
const MOST_NAMES = 60

/** A package's entry points, by specifier, each with its source. */
function entriesOf(folder: string): [specifier: string, source: string][] {
  const manifest = JSON.parse(readFileSync(join(root, 'packages', folder, 'package.json'), 'utf8')) as {
    readonly name: string
    readonly exports?: Readonly<Record<string, unknown>>
  }
  return (
    Object.keys(manifest.exports ?? {})
      // A manifest and a schema have no names.
      .filter((path) => !path.endsWith('.json'))
      .map((path) => [manifest.name + path.slice(1), join('packages', folder, 'src', path, 'index.ts')])
  )
}

/** The names that an index exports, read from its text: it has nothing but explicit re-exports. */
function namesIn(path: string): Names {
  const values: string[] = []
  const types: string[] = []
  const { tree } = parse(path, readFileSync(join(root, path), 'utf8'))
  for (const statement of tree.statements) {
    if (
      !ts.isExportDeclaration(statement) ||
      statement.exportClause === undefined ||
      !ts.isNamedExports(statement.exportClause)
    ) {
      throw new Error(`${path} has something else than named re-exports: ${statement.getText(tree)}`)
    }
    for (const { name, isTypeOnly } of statement.exportClause.elements) {
      const names = statement.isTypeOnly || isTypeOnly ? types : values
      names.push(name.text)
    }
  }
  return { values: values.sort(), types: types.sort() }
}

const entries = new Map(packages.flatMap(entriesOf))

describe('public names', () => {
  it('are reviewed for every entry point', () => {
    expect([...entries.keys()].sort()).toEqual(Object.keys(REVIEWED).sort())
  })

  it.each(Object.entries(REVIEWED))('of %s are those that were reviewed', (specifier, { values, types }) => {
    const names = namesIn(entries.get(specifier) ?? '')
    expect(names.values).toEqual([...values].sort())
    expect(names.types).toEqual([...types].sort())
  })

  it.each(Object.entries(REVIEWED))('of %s are there when it runs', async (specifier, { values }) => {
    const entry = (await import(specifier)) as object
    expect(Object.keys(entry).sort()).toEqual([...values].sort())
  })

  it('of core are few', () => {
    const { values, types } = REVIEWED['@xtomp/core'] ?? { values: [], types: [] }
    expect(values.length + types.length).toBeGreaterThan(0)
    expect(values.length + types.length).toBeLessThanOrEqual(MOST_NAMES)
  })
})
