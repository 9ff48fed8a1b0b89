/**
 * The codec: octets into frames and frames into octets, with no connection in sight.
 *
 * @module @xtomp/core/codec
 */

export { Decoder, type DecoderContext, type OctetAccount } from './decoder.js'
export { encodeFrame, type FrameParts } from './encoder.js'
export { CLIENT_COMMANDS, type ClientCommand, type Frame, SERVER_COMMANDS, type ServerCommand } from './frame.js'
export { FRAME_LIMITS, type FrameLimits } from './limits.js'
export { Interner, OctetWriter } from './octets.js'
export { negotiateVersion, VERSIONS, type Version } from './version.js'
