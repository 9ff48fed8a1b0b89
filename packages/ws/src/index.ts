/**
 * WebSocket doors for an xtomp broker: on a port of their own, or on an http server that the host owns.
 *
 * @module @xtomp/ws
 */

export type { Listener } from '@xtomp/net'
export { type Attachment, type AttachOptions, attach, type HttpServer } from './attach.js'
export { type ListenOptions, listen } from './listen.js'
export type { CompressionOptions, OriginRule, PathRule, WebSocketOptions } from './options.js'
