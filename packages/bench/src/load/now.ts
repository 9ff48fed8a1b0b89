/** The clock that all processes of a machine share, and the time of sending in a body. */

/** How many octets a time takes: the last ones of a body. */
export const STAMP_BYTES = 16

const HALF = 100_000_000
const DIGIT_0 = 48

/** `performance` counts from when its process began; the system's clock, from when the machine did. */
const BEGIN_US = Number(process.hrtime.bigint()) / 1_000 - performance.now() * 1_000

/** Microseconds since the machine began. */
export function nowUs(): number {
  return performance.now() * 1_000 + BEGIN_US
}

/** Writes a time before the octet at `end`, as decimal digits: a body stays text. */
export function stamp(octets: Buffer, end: number, us: number): void {
  const high = Math.floor(us / HALF)
  digits(octets, end - STAMP_BYTES / 2, high)
  digits(octets, end, Math.floor(us - high * HALF))
}

/** The time before the octet at `end`; NaN where there is none. */
export function stampIn(octets: Buffer, end: number): number {
  let value = 0
  for (let at = end - STAMP_BYTES; at < end; at++) value = value * 10 + ((octets[at] ?? Number.NaN) - DIGIT_0)
  return value
}

/** Eight digits, in two halves of which each fits a small integer. */
function digits(octets: Buffer, end: number, number: number): void {
  let left = number
  for (let at = end - 1; at >= end - STAMP_BYTES / 2; at--) {
    const rest = Math.floor(left / 10)
    octets[at] = DIGIT_0 + (left - rest * 10)
    left = rest
  }
}
