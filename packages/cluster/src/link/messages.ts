/** A message on the link. */

import { Headers, StoredMessage } from '@xtomp/core/destination'
import type { FrameReader } from './frame-reader.js'
import type { FrameWriter } from './frame-writer.js'

/** A message, and the virtual host that it is for. */
export interface HostedMessage {
  readonly host: string
  readonly message: StoredMessage
}

/** No header holds a NUL: it stands between names and values. */
const BETWEEN = '\0'

/** Writes a message, to the end of the frame or part: first where it goes, which is all that the hub reads. */
export function writeMessage(writer: FrameWriter, host: string, message: StoredMessage): FrameWriter {
  const { destination, origin, sequence, expiresAt, isDeadLetter, headers, heldBody } = message
  return writer
    .text(host)
    .text(destination)
    .text(origin)
    .wide(sequence)
    .wide(expiresAt)
    .small(isDeadLetter ? 1 : 0)
    .text(headers.pairs.join(BETWEEN))
    .rest(heldBody)
}

/** Reads a message; its octets are the link's, for as long as the frame is handled. */
export function readMessage(reader: FrameReader): HostedMessage {
  const host = reader.text()
  const destination = reader.text()
  const id = { origin: reader.text(), sequence: reader.wide() }
  const expiresAt = reader.wide()
  const isDeadLetter = reader.small() === 1
  const pairs = reader.text()
  const headers = pairs === '' ? Headers.none : Headers.of(pairs.split(BETWEEN))
  const message = new StoredMessage(id, destination, headers, reader.rest()).borrow()
  message.expiresAt = expiresAt
  message.isDeadLetter = isDeadLetter
  return { host, message }
}
