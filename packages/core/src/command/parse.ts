/** Client frames into commands: presence, form and values of headers are checked here and nowhere else. */

import type { AckMode } from '../ack-mode.js'
import type { ClientCommand, Frame } from '../codec/frame.js'
import type { Version } from '../codec/version.js'
import { ProtocolError, printable } from '../errors.js'
import { Headers } from '../headers.js'
import type {
  Command,
  ConnectCommand,
  HeartBeatOffer,
  SendCommand,
  SettleCommand,
  SubscribeCommand,
  TransactionCommand,
  UnsubscribeCommand,
} from './command.js'
import { COMMANDS_WITH_BODY, REQUIRED_HEADERS } from './rules.js'

/**
 * Makes a command of a frame. `version` is the agreed one; for CONNECT, whatever the frame itself asks for.
 * @throws ProtocolError where a header is missing or has no meaning; it names the header and what was expected
 */
export function parseCommand(frame: Frame, version: Version): Command {
  checkBody(frame, version)
  for (const name of REQUIRED_HEADERS[frame.command][version]) need(frame, name, version)
  return PARSERS[frame.command](frame, version)
}

type Parser = (frame: Frame, version: Version) => Command

const PARSERS: Readonly<Record<ClientCommand, Parser>> = {
  CONNECT: parseConnect,
  STOMP: parseConnect,
  SEND: parseSend,
  SUBSCRIBE: parseSubscribe,
  UNSUBSCRIBE: parseUnsubscribe,
  ACK: parseSettle,
  NACK: parseSettle,
  BEGIN: parseTransaction,
  COMMIT: parseTransaction,
  ABORT: parseTransaction,
  DISCONNECT: ({ headers }) => ({ verb: 'DISCONNECT', receipt: headers.get('receipt') }),
}

function checkBody({ command, body }: Frame, version: Version): void {
  if (body.length > 0 && version !== '1.0' && !COMMANDS_WITH_BODY.includes(command)) {
    throw new ProtocolError(
      'unexpected-body',
      `${command} has a body of ${body.length} octets; only ${COMMANDS_WITH_BODY.join(', ')} may have one`,
    )
  }
}

function need({ command, headers }: Frame, name: string, version: Version): string {
  const value = headers.get(name)
  if (value) return value
  const required = REQUIRED_HEADERS[command][version].join(', ')
  throw new ProtocolError(
    'header-missing',
    `${command} in STOMP ${version} needs the header ${name} (all it needs: ${required})`,
  )
}

function invalid(name: string, value: string, expected: string): ProtocolError {
  return new ProtocolError('header-invalid', `the header ${name} must be ${expected}; this is ${printable(value)}`)
}

function parseConnect({ headers }: Frame): ConnectCommand {
  return {
    verb: 'CONNECT',
    acceptVersion: headers.get('accept-version'),
    host: headers.get('host') ?? '',
    login: headers.get('login'),
    passcode: headers.get('passcode'),
    heartBeat: parseHeartBeat(headers.get('heart-beat')),
    headers: withoutPasscode(headers),
    receipt: headers.get('receipt'),
  }
}

/** The passcode goes to the hook that judges it, and nowhere where it could be printed. */
function withoutPasscode(headers: Headers): Headers {
  return headers.has('passcode') ? Headers.from([...headers].filter(([name]) => name !== 'passcode')) : headers
}

const NO_BEATS: HeartBeatOffer = { sendMs: 0, wantMs: 0 }

function parseHeartBeat(value: string | undefined): HeartBeatOffer {
  if (value === undefined) return NO_BEATS
  const parts = /^\s*(\d{1,9})\s*,\s*(\d{1,9})\s*$/.exec(value)
  if (parts === null) throw invalid('heart-beat', value, 'two numbers of milliseconds with a comma between them')
  return { sendMs: Number(parts[1]), wantMs: Number(parts[2]) }
}

function parseSend({ headers, body, isBorrowed }: Frame): SendCommand {
  return {
    verb: 'SEND',
    destination: headers.get('destination') as string,
    transaction: headers.get('transaction'),
    expiresAt: parseExpires(headers.get('expires')),
    headers,
    body,
    isBorrowed,
    receipt: headers.get('receipt'),
  }
}

function parseExpires(value: string | undefined): number {
  if (value === undefined) return 0
  if (!/^\s*\d{1,15}\s*$/.test(value)) throw invalid('expires', value, 'milliseconds since 1970, or 0 for never')
  return Number(value)
}

const ACK_MODES: readonly string[] = ['auto', 'client', 'client-individual'] satisfies AckMode[]

function parseSubscribe({ headers }: Frame): SubscribeCommand {
  const ackMode = headers.get('ack') ?? 'auto'
  if (!ACK_MODES.includes(ackMode)) throw invalid('ack', ackMode, `one of ${ACK_MODES.join(', ')}`)
  if (headers.has('selector')) {
    throw new ProtocolError(
      'selector-unsupported',
      'selectors are not supported, and ignoring one would deliver the wrong messages',
    )
  }
  return {
    verb: 'SUBSCRIBE',
    destination: headers.get('destination') as string,
    id: headers.get('id'),
    ackMode: ackMode as AckMode,
    prefetch: parsePrefetch(headers.get('prefetch-count')),
    headers,
    receipt: headers.get('receipt'),
  }
}

function parsePrefetch(value: string | undefined): number {
  if (value === undefined) return Number.POSITIVE_INFINITY
  if (!/^\s*\d{1,9}\s*$/.test(value)) throw invalid('prefetch-count', value, 'a number of messages, or 0 for no limit')
  return Number(value) || Number.POSITIVE_INFINITY
}

function parseUnsubscribe({ headers }: Frame): UnsubscribeCommand {
  const id = headers.get('id') || undefined
  const destination = headers.get('destination') || undefined
  if (id === undefined && destination === undefined)
    throw new ProtocolError('header-missing', 'UNSUBSCRIBE in STOMP 1.0 needs the header id or destination')
  return { verb: 'UNSUBSCRIBE', id, destination, receipt: headers.get('receipt') }
}

function parseSettle({ command, headers }: Frame, version: Version): SettleCommand {
  if (command === 'NACK' && version === '1.0') {
    throw new ProtocolError('nack-unsupported', 'NACK came with STOMP 1.1; this session speaks 1.0')
  }
  return {
    verb: command as 'ACK' | 'NACK',
    id: headers.get(version === '1.2' ? 'id' : 'message-id') as string,
    subscription: version === '1.2' ? undefined : headers.get('subscription'),
    transaction: headers.get('transaction'),
    isRejected: headers.get('requeue') === 'false',
    receipt: headers.get('receipt'),
  }
}

function parseTransaction({ command, headers }: Frame): TransactionCommand {
  return {
    verb: command as TransactionCommand['verb'],
    transaction: headers.get('transaction') as string,
    receipt: headers.get('receipt'),
  }
}
