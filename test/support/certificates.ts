/** Certificates for tests: an authority of one's own, made when it is asked for and forgotten with the process. */

// What the library below needs to be there before it.
import 'reflect-metadata'
import { webcrypto } from 'node:crypto'
import * as x509 from '@peculiar/x509'

const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' }
const RSA = {
  name: 'RSASSA-PKCS1-v1_5',
  hash: 'SHA-256',
  modulusLength: 2_048,
  publicExponent: new Uint8Array([1, 0, 1]),
}
const DAY_MS = 86_400_000

/** In PEM. */
export interface Certified {
  readonly cert: string
  readonly key: string
}

/** What a certificate says. */
export interface Claims {
  /** Its subject: `CN=ann`. */
  readonly subject: string
  readonly altNames?: x509.JsonGeneralNames
  /** When it ends, in days from now. @defaultValue 1 */
  readonly days?: number
  /** Whether its key is an RSA key, which takes a while to find, for who reads no others. @defaultValue false */
  readonly isRsa?: boolean
}

/** Somebody who signs. */
export interface Authority {
  /** Its certificate, in PEM. */
  readonly ca: string
  issue(claims: Claims): Promise<Certified>
  /** A list of what it has revoked, in PEM. */
  revoke(...certificates: readonly Certified[]): Promise<string>
}

/** Makes one. */
export async function createAuthority(name = 'CN=Test authority'): Promise<Authority> {
  x509.cryptoProvider.set(webcrypto as Crypto)
  const keys = await keyPair()
  const authority = await x509.X509CertificateGenerator.createSelfSigned({
    name,
    ...validity(1),
    keys,
    signingAlgorithm: ALGORITHM,
    extensions: [
      new x509.BasicConstraintsExtension(true, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  })
  const common = { issuer: authority.subject, signingKey: keys.privateKey, signingAlgorithm: ALGORITHM }
  return {
    ca: authority.toString('pem'),
    issue: async ({ subject, altNames, days = 1, isRsa = false }) => {
      const own = await keyPair(isRsa ? RSA : ALGORITHM)
      const certificate = await x509.X509CertificateGenerator.create({
        ...common,
        ...validity(days),
        subject,
        publicKey: own.publicKey,
        extensions: [
          new x509.BasicConstraintsExtension(false, undefined, true),
          await x509.AuthorityKeyIdentifierExtension.create(keys.publicKey),
          ...(altNames === undefined ? [] : [new x509.SubjectAlternativeNameExtension(altNames)]),
        ],
      })
      return { cert: certificate.toString('pem'), key: await pemOf(own.privateKey) }
    },
    revoke: async (...certificates) => {
      const list = await x509.X509CrlGenerator.create({
        ...common,
        thisUpdate: new Date(Date.now() - DAY_MS),
        nextUpdate: new Date(Date.now() + DAY_MS),
        entries: certificates.map(({ cert }) => ({
          serialNumber: new x509.X509Certificate(cert).serialNumber,
          revocationDate: new Date(Date.now() - DAY_MS),
        })),
      })
      // The library gives it a name that OpenSSL does not know.
      return x509.PemConverter.encode(list.rawData, 'X509 CRL')
    },
  }
}

/** What a server on this machine shows. */
export function issueForServer(authority: Authority, name = 'localhost'): Promise<Certified> {
  const altNames: x509.JsonGeneralNames = [
    { type: 'dns', value: name },
    { type: 'ip', value: '127.0.0.1' },
  ]
  return authority.issue({ subject: `CN=${name}`, altNames })
}

/** From long before now on: one that ends in the past was valid once. */
function validity(days: number): { notBefore: Date; notAfter: Date } {
  return { notBefore: new Date(Date.now() - 30 * DAY_MS), notAfter: new Date(Date.now() + days * DAY_MS) }
}

function keyPair(algorithm: typeof ALGORITHM | typeof RSA = ALGORITHM): Promise<CryptoKeyPair> {
  return webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify']) as Promise<CryptoKeyPair>
}

async function pemOf(key: CryptoKey): Promise<string> {
  const octets = await webcrypto.subtle.exportKey('pkcs8', key as webcrypto.CryptoKey)
  return x509.PemConverter.encode(octets, 'PRIVATE KEY')
}
