/** The octets that a broker sends, cut into its frames. */

import { SERVER_COMMANDS, type ServerCommand } from '@xtomp/core/codec'

const LF = 0x0a
const COMMAND_OCTETS = 16
const NOTHING = new Uint8Array(0)

/** Puts together what belongs to one frame, in whatever pieces it is sent. */
export class FrameCutter {
  #rest = NOTHING

  /** The frames and beats that are whole now, each in memory of its own. */
  cut(octets: Uint8Array, frameEnds: readonly number[]): Uint8Array[] {
    let start = 0
    const frames: Uint8Array[] = []
    for (const end of frameEnds) {
      frames.push(joined([this.#rest, octets.subarray(start, end)]))
      this.#rest = NOTHING
      start = end
    }
    if (start < octets.length) this.#rest = joined([this.#rest, octets.subarray(start)])
    return frames
  }
}

/** All of it in one piece of memory. */
export function joined(parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const all = new Uint8Array(parts.reduce((length, part) => length + part.length, 0))
  let at = 0
  for (const part of parts) {
    all.set(part, at)
    at += part.length
  }
  return all
}

/** Whether it is a heart-beat: an end of line, and nothing else. */
export function isBeat(octets: Uint8Array): boolean {
  return octets.length === 1 && octets[0] === LF
}

/** The command of a server's frame. */
export function commandOf(frame: Uint8Array): ServerCommand | undefined {
  const [word] = new TextDecoder('latin1').decode(frame.subarray(0, COMMAND_OCTETS)).split('\n')
  return SERVER_COMMANDS.find((command) => command === word)
}
