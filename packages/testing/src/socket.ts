/** A socket in memory: a stream shaped as `net.Socket`, for clients that take one. */

import { Duplex } from 'node:stream'
import type { CloseReason, MemoryClient } from '@xtomp/core'
import type { MemoryDoor } from './memory-door.js'

/** A stream, with as much of `net.Socket` as clients ask for; the rest does nothing, or is not there. */
export class MemorySocket extends Duplex {
  connecting = true
  bytesRead = 0
  bytesWritten = 0
  readonly remoteAddress = 'memory'
  readonly remotePort = 61613
  readonly #door: MemoryDoor
  #client: MemoryClient | undefined
  #isGone = false
  /** Whether the broker's side has ended. */
  #isEnded = false

  constructor(door: MemoryDoor) {
    super({ allowHalfOpen: false })
    this.#door = door
    door.clock.soon(() => this.#open())
  }

  setNoDelay(): this {
    return this
  }

  setKeepAlive(): this {
    return this
  }

  setTimeout(): this {
    return this
  }

  ref(): this {
    return this
  }

  unref(): this {
    return this
  }

  override _read(): void {
    this.#client?.resume()
  }

  override _write(octets: Uint8Array, _encoding: string, done: (error?: Error | null) => void): void {
    if (this.connecting) {
      this.once('connect', () => this._write(octets, _encoding, done))
      return
    }
    // As over a network: the broker acts on it in a later turn, never inside the call.
    this.#door.clock.soon(() => {
      if (this.#isGone) return done(failure('EPIPE', 'the connection is closed'))
      this.bytesWritten += octets.length
      this.#client?.write(octets)
      done()
    })
  }

  override _final(done: (error?: Error | null) => void): void {
    this.#door.clock.soon(() => {
      this.#client?.end()
      done()
    })
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    if (!this.#isGone) this.#client?.abort()
    done(error)
  }

  #open(): void {
    if (this.destroyed) return
    const receiver = {
      receive: (octets: Uint8Array) => this.#receive(octets),
      ended: () => this.#end(),
      closed: (reason: CloseReason | undefined) => this.#close(reason),
    }
    this.#client = this.#door.open(receiver, 'memory-socket')
    if (this.#client === undefined) {
      this.#isGone = true
      this.destroy(failure('ECONNREFUSED', 'the broker refuses connections'))
      return
    }
    this.connecting = false
    this.emit('connect')
    this.emit('ready')
  }

  #receive(octets: Uint8Array): void {
    this.bytesRead += octets.length
    if (!this.push(Buffer.from(octets))) this.#client?.pause()
  }

  #end(): void {
    if (this.#isEnded) return
    this.#isEnded = true
    this.push(null)
  }

  #close(reason: CloseReason | undefined): void {
    this.#isGone = true
    if (reason === undefined) this.destroy(failure('ECONNRESET', 'the connection was cut'))
    else this.#end()
  }
}

function failure(code: string, message: string): Error {
  return Object.assign(new Error(`${code}: ${message}`), { code })
}
