/** Why a session ended, as a WebSocket's close code says it (RFC 6455, 7.4.1). */

const NORMAL = 1000
const GOING_AWAY = 1001
const PROTOCOL_ERROR = 1002
export const NOT_UTF8 = 1007
const POLICY_VIOLATION = 1008
export const TOO_BIG = 1009
const INTERNAL_ERROR = 1011
const TRY_AGAIN_LATER = 1013

/** A hook's own code is a policy's, and so is whatever is not named here. */
const CODES: Readonly<Record<string, number>> = {
  disconnect: NORMAL,
  'peer-closed': NORMAL,
  'session-closed': NORMAL,
  'broker-closing': GOING_AWAY,
  'bad-frame': PROTOCOL_ERROR,
  'bad-command': PROTOCOL_ERROR,
  'bad-escape': PROTOCOL_ERROR,
  'bad-content-length': PROTOCOL_ERROR,
  'unexpected-body': PROTOCOL_ERROR,
  'header-missing': PROTOCOL_ERROR,
  'header-invalid': PROTOCOL_ERROR,
  'not-connected': PROTOCOL_ERROR,
  'already-connected': PROTOCOL_ERROR,
  'version-unsupported': PROTOCOL_ERROR,
  'bad-utf8': NOT_UTF8,
  'connect-too-large': TOO_BIG,
  'header-too-long': TOO_BIG,
  'headers-too-many': TOO_BIG,
  'body-too-large': TOO_BIG,
  'transaction-too-large': TOO_BIG,
  'hook-failed': INTERNAL_ERROR,
  'store-failed': INTERNAL_ERROR,
  'internal-error': INTERNAL_ERROR,
  'connections-too-many': TRY_AGAIN_LATER,
  'memory-full': TRY_AGAIN_LATER,
  'queue-full': TRY_AGAIN_LATER,
}

/** What a close frame has room for beside its code, in octets. */
const REASON_BYTES = 123

/** The close code for a session's end. */
export function closeCodeOf(reason: string): number {
  return CODES[reason] ?? POLICY_VIOLATION
}

/** The stable code as the close frame's reason: a hook's own may be of any length, and in any script. */
export function closeReasonOf(reason: string): string {
  return Buffer.byteLength(reason) <= REASON_BYTES ? reason : ''
}
