/** Headers on the command line, and messages as lines of JSON. */

/** Headers that name one delivery, or that client and broker write themselves: they are not sent on. */
const OWNED: readonly string[] = [
  ...['destination', 'message-id', 'subscription', 'ack', 'redelivered', 'content-length'],
  ...['receipt', 'receipt-id', 'transaction'],
]

/** A message as a line of JSON: what `sub --json` writes and `pub --json` reads. */
export interface MessageLine {
  readonly destination?: string
  readonly headers?: Readonly<Record<string, string>>
  /** The body, where it is text. */
  readonly body?: string
  /** The body, where it is not. */
  readonly base64?: string
}

/** Takes `name:value` apart. @throws TypeError where it is none */
export function headerOf(text: string): [name: string, value: string] {
  const colon = text.indexOf(':')
  if (colon < 1) throw new TypeError(`a header must be name:value; given ${JSON.stringify(text)}`)
  return [text.slice(0, colon), text.slice(colon + 1)]
}

/** A message as a line, without the LF. */
export function lineOf(headers: Readonly<Record<string, string>>, body: Uint8Array): string {
  const { destination = '', ...others } = headers
  return JSON.stringify({ destination, headers: others, ...bodyOf(body) } satisfies MessageLine)
}

function bodyOf(body: Uint8Array): Pick<MessageLine, 'body' | 'base64'> {
  try {
    return { body: new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(body) }
  } catch {
    return { base64: Buffer.from(body).toString('base64') }
  }
}

/** What a line says is to be sent. @throws TypeError where it is no such line */
export function messageOf(line: string): { headers: Record<string, string>; body: Uint8Array } {
  const { headers = {}, body, base64 } = parsed(line)
  if (typeof headers !== 'object' || headers === null || Array.isArray(headers))
    throw new TypeError('headers must be an object of texts')
  for (const [name, value] of Object.entries(headers))
    if (typeof value !== 'string') throw new TypeError(`headers.${name} must be a text`)
  if (body !== undefined && base64 !== undefined) throw new TypeError('body cannot stand beside base64')
  if (typeof (body ?? base64 ?? '') !== 'string') throw new TypeError('body must be a text, and so must base64')
  const sent = Object.entries(headers).filter(([name]) => !OWNED.includes(name))
  return {
    headers: Object.fromEntries(sent),
    body: base64 === undefined ? Buffer.from(body ?? '') : Buffer.from(base64, 'base64'),
  }
}

function parsed(line: string): MessageLine {
  let value: unknown
  try {
    value = JSON.parse(line)
  } catch {
    throw new TypeError('this is not JSON')
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new TypeError('a message must be an object: {"body":"…","headers":{…}}')
  const unknown = Object.keys(value).find((name) => !['destination', 'headers', 'body', 'base64'].includes(name))
  if (unknown !== undefined) throw new TypeError(`there is no ${unknown} in a message; there are headers, body, base64`)
  return value as MessageLine
}
