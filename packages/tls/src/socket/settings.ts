/** What the TLS of a door may be told, its defaults, and the check that it makes sense. */

import type { SecureVersion } from 'node:tls'
import { inspect } from 'node:util'
import { LONGEST_MS, numberOf } from '@xtomp/net/socket'
import { type Agreement, type Certificates, type Contexts, contextsOf, type Identity } from './certificates.js'
import { LOGIN_FROM, type LoginFrom } from './login.js'

/** How a door secures what comes in. */
export interface TlsOptions extends Certificates {
  /** Asks clients for their certificates; needs `ca`. @defaultValue false */
  readonly requestCert?: boolean | undefined
  /**
   * Turns away who shows none, or one that is not trusted, with an ERROR `auth-failed`. Where it is false they may come
   * in, and `connection.info.tls.isVerified` tells who is who. @defaultValue true
   */
  readonly rejectUnauthorized?: boolean | undefined
  /**
   * Whom a trusted certificate logs in, without a passcode; needs `requestCert`. Where it names nobody, CONNECT must.
   * A function that throws, or answers anything but a text or undefined, has the client turned away with `hook-failed`.
   * @defaultValue none
   */
  readonly loginFrom?: LoginFrom | undefined
  /** How long a connection may take until it is secured, in milliseconds. @defaultValue 10,000 */
  readonly handshakeTimeoutMs?: number | undefined
  /** The least version of TLS, as Node names it. @defaultValue Node's, 'TLSv1.2' */
  readonly minVersion?: SecureVersion | undefined
  /** The highest version of TLS, as Node names it. @defaultValue Node's, 'TLSv1.3' */
  readonly maxVersion?: SecureVersion | undefined
  /** The cipher suites, as OpenSSL lists them. @defaultValue Node's */
  readonly ciphers?: string | undefined
}

/** Options with nothing left open. */
export interface TlsSettings {
  readonly certificates: Certificates
  readonly agreement: Agreement
  readonly contexts: Contexts
  readonly requestCert: boolean
  readonly rejectUnauthorized: boolean
  readonly loginFrom: LoginFrom | undefined
  readonly handshakeTimeoutMs: number
}

/** Their names. */
export const TLS_OPTIONS: readonly string[] = [
  ...['cert', 'key', 'pfx', 'passphrase', 'sni', 'ca', 'crl'],
  ...['requestCert', 'rejectUnauthorized', 'loginFrom', 'handshakeTimeoutMs'],
  ...['minVersion', 'maxVersion', 'ciphers'],
]

const TIMEOUT = { least: 1, most: LONGEST_MS, byDefault: 10_000 }

/** @throws TypeError where one is out of its range, is missing, or cannot be used; the message names it */
export function tlsSettingsOf(options: TlsOptions): TlsSettings {
  const { cert, key, pfx, passphrase, sni, ca, crl } = options
  const certificates = { cert, key, pfx, passphrase, sni, ca, crl }
  const requestCert = flagOf('requestCert', options.requestCert, false)
  const rejectUnauthorized = flagOf('rejectUnauthorized', options.rejectUnauthorized, true)
  const { loginFrom } = options
  const isKnown = typeof loginFrom === 'function' || LOGIN_FROM.some((name) => name === loginFrom)
  if (loginFrom !== undefined && !isKnown)
    throw new TypeError(`loginFrom must be ${LOGIN_FROM.join(', ')} or a function; given ${inspect(loginFrom)}`)
  if (loginFrom !== undefined && !requestCert) throw new TypeError('loginFrom needs requestCert: true')
  const { minVersion, maxVersion, ciphers } = options
  const agreement: Agreement = {
    ...(minVersion !== undefined && { minVersion }),
    ...(maxVersion !== undefined && { maxVersion }),
    ...(ciphers !== undefined && { ciphers }),
  }
  return {
    certificates,
    agreement,
    contexts: checkedContextsOf(certificates, { agreement, requestCert }),
    requestCert,
    rejectUnauthorized,
    loginFrom,
    handshakeTimeoutMs: numberOf('handshakeTimeoutMs', options.handshakeTimeoutMs, TIMEOUT),
  }
}

/** What can be trusted of certificates where clients are asked for theirs: only authorities that were named for it. */
export function checkedContextsOf(
  certificates: Certificates,
  { agreement, requestCert }: Pick<TlsSettings, 'agreement' | 'requestCert'>,
): Contexts {
  if (requestCert) {
    const { ca, sni = {} } = certificates
    if (ca === undefined || ca.length === 0)
      throw new TypeError('requestCert needs ca: who else may sign the certificates of clients is everybody')
    const identities: readonly Identity[] = [certificates, ...Object.values(sni)]
    if (identities.some(({ pfx }) => pfx !== undefined))
      throw new TypeError('requestCert needs cert and key instead of pfx: the authorities in it would be trusted, too')
  }
  return contextsOf(certificates, agreement)
}

function flagOf(name: string, given: boolean | undefined, byDefault: boolean): boolean {
  if (given === undefined) return byDefault
  if (typeof given !== 'boolean') throw new TypeError(`${name} must be true or false; given ${inspect(given)}`)
  return given
}
