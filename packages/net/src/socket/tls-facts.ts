/** What is known of a connection that is encrypted: for whatever door its socket came through. */

import type { PeerCertificate, TLSSocket } from 'node:tls'
import type { ConnectionInfo } from '@xtomp/core'

type TlsFacts = NonNullable<ConnectionInfo['tls']>
type CertificateFacts = NonNullable<TlsFacts['certificate']>

/** The facts of `info.tls`. They are to be asked for once the handshake is done and while the socket lives; it forgets them. */
export function tlsFactsOf(socket: TLSSocket): TlsFacts {
  const certificate = certificateOf(socket)
  return {
    protocol: socket.getProtocol() ?? undefined,
    cipher: socket.getCipher()?.name,
    serverName: typeof socket.servername === 'string' ? socket.servername : undefined,
    // Node also says `authorized` of a session that is resumed and in which no certificate was ever shown.
    isVerified: socket.authorized && certificate !== undefined,
    certificate,
  }
}

function certificateOf(socket: TLSSocket): CertificateFacts | undefined {
  // Node's types leave out what there is of a peer that has shown none: nothing at all, or nothing in it.
  const shown: Partial<PeerCertificate> | null = socket.getPeerCertificate()
  if (shown?.fingerprint256 === undefined) return undefined
  const { subject, issuer, subjectaltname, serialNumber, fingerprint256, valid_from, valid_to } = shown
  return {
    subject: namesOf(subject),
    issuer: namesOf(issuer),
    altNames: subjectaltname,
    serialNumber: serialNumber ?? '',
    fingerprint256,
    validFrom: valid_from ?? '',
    validTo: valid_to ?? '',
  }
}

function namesOf(name: object | undefined): Readonly<Record<string, string | readonly string[]>> {
  // Its own prototype is none, which some who print or compare it do not expect.
  return { ...name }
}
