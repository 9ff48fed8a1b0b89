/** The limits of a frame: what a peer may make the decoder hold. */

/** Bounds on one frame; each is checked before the memory is taken. */
export interface FrameLimits {
  /** The whole CONNECT frame, in octets. @defaultValue 65,536 */
  readonly connectBytes: number
  /** One header line, in octets. @defaultValue 16,384 */
  readonly headerLineBytes: number
  /** Header lines of a frame, repeats included. @defaultValue 128 */
  readonly headers: number
  /** The body, in octets. @defaultValue 16 MiB */
  readonly bodyBytes: number
}

/** The limits that hold unless others are asked for. */
export const FRAME_LIMITS: FrameLimits = {
  connectBytes: 64 * 1024,
  headerLineBytes: 16 * 1024,
  headers: 128,
  bodyBytes: 16 * 1024 * 1024,
}
