/** The TLS of a configuration, whose certificates are files, as the doors take it. */

import { readFileSync } from 'node:fs'
import type { Certificates, ListenOptions } from '@xtomp/tls'
import type { TlsConfig } from '../config/listener.js'

/** What a door is opened with. @throws Error where a file cannot be read */
export function tlsOptionsOf(tls: TlsConfig): ListenOptions {
  const { certFile: _cert, keyFile: _key, caFile: _ca, crlFile: _crl, ...options } = tls
  return { ...certificatesOf(tls), ...options }
}

/** What the files hold now. @throws Error where one cannot be read */
export function certificatesOf({ certFile, keyFile, caFile, crlFile }: TlsConfig): Certificates {
  return {
    cert: readFileSync(certFile),
    key: readFileSync(keyFile),
    ...(caFile === undefined ? {} : { ca: readFileSync(caFile) }),
    ...(crlFile === undefined ? {} : { crl: readFileSync(crlFile) }),
  }
}
