/** The TLS of a configuration, whose certificates are files, as the doors take it. */

import { readFileSync } from 'node:fs'
import type { Certificates, Identity, ListenOptions } from '@xtomp/tls'
import type { IdentityConfig, TlsConfig } from '../config/listener.js'

/** What a door is opened with; whether TLS is required is for the door for all. @throws Error where a file cannot be read */
export function tlsOptionsOf({ required: _, ...tls }: TlsConfig): ListenOptions {
  const { certFile: _cert, keyFile: _key, pfxFile: _pfx, caFile: _ca, crlFile: _crl, ...options } = tls
  return { ...options, ...certificatesOf(tls) }
}

/** What the files hold now. @throws Error where one cannot be read */
export function certificatesOf({ caFile, crlFile, sni, ...identity }: TlsConfig): Certificates {
  const names = Object.entries(sni ?? {}).map(([name, each]) => [name, identityOf(each)] as const)
  return {
    ...identityOf(identity),
    ...(sni !== undefined && { sni: Object.fromEntries(names) }),
    ...held('ca', caFile),
    ...held('crl', crlFile),
  }
}

function identityOf({ certFile, keyFile, pfxFile, passphrase }: IdentityConfig): Identity {
  return {
    ...held('cert', certFile),
    ...held('key', keyFile),
    ...held('pfx', pfxFile),
    ...(passphrase !== undefined && { passphrase }),
  }
}

function held<Name extends string>(name: Name, file: string | undefined): { readonly [name in Name]?: Buffer } {
  return file === undefined ? {} : ({ [name]: readFileSync(file) } as { readonly [name in Name]: Buffer })
}
