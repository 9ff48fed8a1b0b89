/** Decoders at rest: most sessions say nothing most of the time, and then need none. */

import { Decoder, type DecoderContext } from '../codec/decoder.js'
import type { ClientCommand } from '../codec/frame.js'
import type { Version } from '../codec/version.js'

/** So many are kept: as many as there are sessions within a frame at once, most of the time. */
const MOST_AT_REST = 64

/** The decoders of a broker's sessions. A session has one from the first octet that it hears to the end of a frame. */
export class Decoders {
  readonly #context: DecoderContext<ClientCommand>
  readonly #atRest: Decoder<ClientCommand>[] = []

  constructor(context: DecoderContext<ClientCommand>) {
    this.#context = context
  }

  take(version: Version | undefined): Decoder<ClientCommand> {
    const decoder = this.#atRest.pop() ?? new Decoder(this.#context)
    decoder.version = version
    return decoder
  }

  /** Takes back one that has nothing of a frame. */
  giveBack(decoder: Decoder<ClientCommand>): void {
    if (this.#atRest.length < MOST_AT_REST) this.#atRest.push(decoder)
  }
}
