/** Properties of the codec that hold for any frame and any chunks. */

import { Headers } from '@xtomp/core'
import {
  CLIENT_COMMANDS,
  Decoder,
  encodeFrame,
  FRAME_LIMITS,
  type Frame,
  Interner,
  type OctetAccount,
  OctetWriter,
  SERVER_COMMANDS,
  VERSIONS,
  type Version,
} from '@xtomp/core/codec'
import fc from 'fast-check'
import { describe, expect, test, vi } from 'vitest'

const COMMANDS = [...CLIENT_COMMANDS, ...SERVER_COMMANDS]

interface Parts {
  readonly command: (typeof COMMANDS)[number]
  readonly headers: readonly (readonly [string, string])[]
  readonly body: Uint8Array
}

function countingAccount(): OctetAccount & { used: number } {
  return {
    bound: Number.POSITIVE_INFINITY,
    used: 0,
    take(octets) {
      this.used += octets
      return true
    },
    give(octets) {
      this.used -= octets
    },
  }
}

function decoder(version: Version | undefined) {
  const account = countingAccount()
  const made = new Decoder({ limits: FRAME_LIMITS, account, interner: new Interner(), commands: COMMANDS })
  made.version = version
  return { decoder: made, account }
}

function encode(parts: readonly Parts[], version: Version | undefined): Uint8Array {
  const encoded = parts.map(({ command, headers, body }) => {
    const writer = new OctetWriter()
    encodeFrame(writer, { command, headers: Headers.from(headers), body }, version)
    return Uint8Array.from(writer.octets.subarray(0, writer.at))
  })
  return Buffer.concat(encoded)
}

/** What a decoder makes of these chunks, each of which is spoilt after the call; an error ends the list. */
function decode(chunks: readonly Uint8Array[], version: Version | undefined): unknown[] {
  const { decoder: from, account } = decoder(version)
  const found: unknown[] = []
  try {
    for (const chunk of chunks) {
      const lent = Uint8Array.from(chunk)
      from.receive(lent)
      for (let frame = from.next(); frame !== undefined; frame = from.next()) found.push(partsOf(frame))
      from.keep()
      lent.fill(0x58)
    }
  } catch (error) {
    found.push((error as { code: string }).code)
  }
  from.release()
  expect(account.used).toBe(0)
  return found
}

function partsOf({ command, headers, body }: Frame<string>): Parts {
  return { command: command as Parts['command'], headers: [...headers], body: Uint8Array.from(body) }
}

/** The octets cut at these places, each a fraction of the whole. */
function cut(octets: Uint8Array, places: readonly number[]): Uint8Array[] {
  const ends = [...new Set(places.map((place) => Math.floor(place * octets.length)))].sort((a, b) => a - b)
  return [...ends, octets.length].map((end, at) => octets.subarray(at === 0 ? 0 : (ends[at - 1] as number), end))
}

const anyVersion = fc.constantFrom(...VERSIONS)
const cuts = fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { maxLength: 20 })

/** Text as the version can carry it: 1.0 trims and has no escapes, 1.1 has none for CR. */
function textIn(version: Version, { isName }: { isName: boolean }): fc.Arbitrary<string> {
  const special = ['\n', ':', '\\', '\\n', 'ä', '値', '😀', ' ', '\t', ...(version === '1.2' ? ['\r', '\r\n'] : [])]
  const unit = fc.oneof(fc.string({ unit: 'binary', maxLength: 3 }), fc.constantFrom(...special))
  return fc
    .array(unit, { maxLength: 12 })
    .map((units) => units.join(''))
    .map((text) => (version === '1.2' ? text : text.replaceAll('\r', '')))
    .map((text) => (version === '1.0' ? text.replace(isName ? /[\n:]/g : /\n/g, '').trim() : text))
    .map((text) => text.replaceAll('\0', ''))
    .map((text) => (version === '1.0' ? text.trim() : text))
    .filter((text) => !isName || (text !== '' && text !== 'content-length'))
}

function framesIn(version: Version): fc.Arbitrary<Parts[]> {
  const header = fc.tuple(textIn(version, { isName: true }), textIn(version, { isName: false }))
  const escaping = COMMANDS.filter((command) => !['CONNECT', 'STOMP', 'CONNECTED'].includes(command))
  const parts = fc
    .record({
      command: fc.constantFrom(...escaping),
      headers: fc.array(header, { maxLength: 8 }),
      body: fc.uint8Array({ maxLength: 300 }),
    })
    .map(({ command, headers, body }) => ({
      command,
      headers: [['content-length', String(body.length)] as const, ...headers],
      body,
    }))
  return fc.array(parts, { minLength: 1, maxLength: 4 })
}

const versionAndFrames = anyVersion.chain((version) => fc.tuple(fc.constant(version), framesIn(version)))

describe('the codec', () => {
  test('decodes what it encodes to the same frames [16]', () => {
    fc.assert(
      fc.property(versionAndFrames, ([version, frames]) => {
        expect(decode([encode(frames, version)], version)).toEqual(frames)
      }),
    )
  })

  test('encodes what it decodes to the same octets [16]', () => {
    fc.assert(
      fc.property(versionAndFrames, ([version, frames]) => {
        const octets = encode(frames, version)
        expect(encode(decode([octets], version) as Parts[], version)).toEqual(octets)
      }),
    )
  })

  test('decodes the same frames from any chunks [15]', () => {
    fc.assert(
      fc.property(versionAndFrames, cuts, ([version, frames], places) => {
        expect(decode(cut(encode(frames, version), places), version)).toEqual(frames)
      }),
    )
  })

  test('decodes any octets alike from any chunks, and only ever refuses with a code [15]', () => {
    const pieces = [
      'SEND\n',
      'ACK\r\n',
      '\n',
      '\r\n',
      '\0',
      '\r',
      'a:b\n',
      'content-length:3\n',
      ':',
      '\\n',
      '\\',
      'body',
      'ä',
    ]
    const almostFrames = fc
      .array(
        fc.oneof(
          fc.constantFrom(...pieces).map((text) => Buffer.from(text)),
          fc.uint8Array({ maxLength: 4 }),
        ),
        { maxLength: 40 },
      )
      .map((parts) => Uint8Array.from(Buffer.concat(parts)))
    fc.assert(
      fc.property(almostFrames, fc.option(anyVersion, { nil: undefined }), cuts, (octets, version, places) => {
        const whole = decode([octets], version)
        const cutUp = decode(cut(octets, places), version)
        const single = decode(
          Array.from(octets, (octet) => Uint8Array.of(octet)),
          version,
        )
        expect(cutUp).toEqual(whole)
        expect(single).toEqual(whole)
        expect(whole.every((found) => typeof found === 'object' || /^[a-z]+[a-z0-9-]*$/.test(String(found)))).toBe(true)
      }),
      { numRuns: 2_000 },
    )
  })

  test('ends a body without content-length at its first NUL, wherever it is cut [48]', () => {
    const body = fc.uint8Array({ min: 1, maxLength: 300 })
    fc.assert(
      fc.property(body, cuts, (octets, places) => {
        const stream = Buffer.concat([Buffer.from('SEND\ndestination:/topic/a\n\n'), octets, Buffer.from('\0\n')])
        const headers = [['destination', '/topic/a']]
        expect(decode(cut(stream, places), '1.2')).toEqual([{ command: 'SEND', headers, body: octets }])
      }),
    )
  })

  test('looks for the end of a body in what was received, each octet once, and not in the memory behind it', () => {
    const { decoder: from } = decoder('1.2')
    const chunks = ['SEND\ndestination:/queue/a\n\n', ...Array.from({ length: 300 }, () => 'x'.repeat(1_000)), '\0']
    const search = vi.spyOn(Buffer.prototype, 'indexOf')
    const found: Frame<string>[] = []
    for (const chunk of chunks) {
      from.receive(new TextEncoder().encode(chunk))
      const frame = from.next()
      if (frame !== undefined) found.push(frame)
      from.keep()
    }
    const searched = search.mock.contexts.map(
      (octets, at) => (octets as Buffer).length - Number(search.mock.calls[at]?.[1]),
    )
    search.mockRestore()
    expect(found.map(({ body }) => body.length)).toEqual([300_000])
    expect(searched.length).toBeGreaterThan(300)
    expect(searched.reduce((sum, octets) => sum + octets, 0)).toBeLessThanOrEqual(300_001)
  })
})
