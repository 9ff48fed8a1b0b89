/** Certificates and keys, and whom to trust: checked when they are given, and made into what Node secures sockets with. */

import { constants, createPrivateKey, X509Certificate } from 'node:crypto'
import { createSecureContext, type SecureContext, type SecureContextOptions } from 'node:tls'
import { inspect } from 'node:util'

/** A certificate and its key: `cert` and `key`, or a `pfx` that has both. */
export interface Identity {
  /** The certificate in PEM, and behind it those between it and its root. */
  readonly cert?: string | Buffer | undefined
  /** Its private key in PEM. */
  readonly key?: string | Buffer | undefined
  /** Both, in PKCS #12. */
  readonly pfx?: Buffer | undefined
  /** Opens the key, or the `pfx`. */
  readonly passphrase?: string | undefined
}

/** All that can be replaced while a door is open. */
export interface Certificates extends Identity {
  /**
   * Certificates for other names that clients ask for (SNI): `{ 'stomp.example.test': …, '*.example.test': … }`; `*` is
   * the first label, whole. Who asks for another name, or for none, is shown the one above.
   */
  readonly sni?: Readonly<Record<string, Identity>> | undefined
  /** The authorities whose client certificates are trusted, in PEM: no others are. */
  readonly ca?: string | Buffer | readonly (string | Buffer)[] | undefined
  /** Revocations, in PEM: one list for every authority of `ca`; one whose list is missing or too old is not trusted. */
  readonly crl?: string | Buffer | readonly (string | Buffer)[] | undefined
}

/** What is said of all of a door's connections, whatever certificate they are shown. */
export type Agreement = Pick<SecureContextOptions, 'minVersion' | 'maxVersion' | 'ciphers'>

/** What Node is given for a connection: by the name asked for. */
export interface Contexts {
  /** For `server.setSecureContext`. */
  readonly byDefault: SecureContextOptions
  /** For the name that a client asks for; undefined for the default. */
  forName(name: string): SecureContext | undefined
}

const IDENTITY = ['cert', 'key', 'pfx', 'passphrase'] as const

/** What is given in place of what was; a certificate and its key only together. */
export function replaced(before: Certificates, given: Certificates): Certificates {
  const kept: Certificates = IDENTITY.some((name) => given[name] !== undefined)
    ? { sni: before.sni, ca: before.ca, crl: before.crl }
    : before
  return { ...kept, ...Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined)) }
}

/** @throws TypeError where something is missing, cannot be read or does not belong together; it names the option */
export function contextsOf(certificates: Certificates, agreement: Agreement): Contexts {
  const { ca, crl, sni = {} } = certificates
  const trusted = {
    ...(ca !== undefined && { ca: listOf('ca', ca) }),
    ...(crl !== undefined && { crl: listOf('crl', crl) }),
  }
  for (const each of trusted.ca ?? []) attempt('ca', () => new X509Certificate(each))
  const shared: SecureContextOptions = {
    ...trusted,
    ...agreement,
    // A client that shakes hands anew could become another one, and each time costs us a signature.
    secureOptions: constants.SSL_OP_NO_RENEGOTIATION | constants.SSL_OP_CIPHER_SERVER_PREFERENCE,
  }
  const byDefault = { ...shared, ...checked(certificates, '') }
  attempt('these TLS options', () => createSecureContext(byDefault))
  const named = new Map<string, SecureContext>()
  for (const [name, identity] of Object.entries(sni)) {
    const option = `sni[${inspect(name)}]`
    const options = { ...shared, ...checked(identity, `${option}.`) }
    named.set(
      name.toLowerCase(),
      attempt(option, () => createSecureContext(options)),
    )
  }
  return { byDefault, forName: (name) => named.get(name.toLowerCase()) ?? named.get(wildcardOf(name)) }
}

function wildcardOf(name: string): string {
  return `*${name.slice(name.indexOf('.')).toLowerCase()}`
}

function listOf(name: string, given: NonNullable<Certificates['ca']>): (string | Buffer)[] {
  const list = Array.isArray(given) ? (given as readonly (string | Buffer)[]) : [given as string | Buffer]
  for (const each of list) checkOctets(name, each)
  return [...list]
}

/** An identity that is whole; Node would find out only when a client comes. */
function checked(identity: Identity, prefix: string): SecureContextOptions {
  const { cert, key, pfx, passphrase } = identity
  for (const name of ['cert', 'key', 'pfx'] as const)
    if (identity[name] !== undefined) checkOctets(`${prefix}${name}`, identity[name])
  if (passphrase !== undefined && typeof passphrase !== 'string')
    throw new TypeError(`${prefix}passphrase must be a text`)
  const secret = passphrase === undefined ? {} : { passphrase }
  if (pfx !== undefined) {
    if (cert !== undefined || key !== undefined)
      throw new TypeError(`${prefix}pfx stands instead of ${prefix}cert and ${prefix}key; given both`)
    attempt(`${prefix}pfx`, () => createSecureContext({ pfx, ...secret }))
    return { pfx, ...secret }
  }
  if (cert === undefined || key === undefined)
    throw new TypeError(`${prefix}cert and ${prefix}key, or ${prefix}pfx, must be given`)
  const certificate = attempt(`${prefix}cert`, () => new X509Certificate(cert))
  const own = attempt(`${prefix}key`, () => createPrivateKey({ key, ...secret }))
  if (!certificate.checkPrivateKey(own)) throw new TypeError(`${prefix}key is not the key of ${prefix}cert`)
  return { cert, key, ...secret }
}

function checkOctets(name: string, given: unknown): void {
  if (!(typeof given === 'string' || given instanceof Uint8Array) || given.length === 0)
    throw new TypeError(`${name} must be a text or a Buffer that is not empty; given ${inspect(given)}`)
}

/** Whatever OpenSSL says, with the option's name before it; of a key it says nothing that is secret. */
function attempt<T>(name: string, make: () => T): T {
  try {
    return make()
  } catch (cause) {
    const { reason, message } = cause as { reason?: string; message: string }
    throw new TypeError(`${name} cannot be used: ${reason ?? message}`, { cause })
  }
}
