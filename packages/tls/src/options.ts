/** What a TLS listener may be told. */

import type { ListenOptions as SocketListenOptions } from '@xtomp/net'
import type { TlsOptions } from './socket/settings.js'

/** Where to listen, and how to secure what comes: `cert` and `key`, or `pfx`, must be given. */
export interface ListenOptions extends SocketListenOptions, TlsOptions {
  /** The TCP port; 0 for any that is free. @defaultValue 61614 */
  readonly port?: number | undefined
}
