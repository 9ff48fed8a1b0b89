/** What is wrong with doors and no schema can say: files that cannot be read, and options that need another. */

import { readFileSync } from 'node:fs'
import { createSecureContext } from 'node:tls'
import type { Path, Problem } from './document.js'
import type { ListenerConfig, TlsConfig } from './listener.js'
import { written } from './names.js'

/** The files of a certificate, as their options are called. */
const FILES = ['certFile', 'keyFile', 'caFile', 'crlFile'] as const

/** Looks at the TLS of each door, as far as it is well-formed. */
export function doorProblems(listeners: readonly unknown[]): Problem[] {
  return listeners.flatMap((listener, at) => {
    const { tls } = Object(listener) as ListenerConfig
    return typeof tls === 'object' && tls !== null ? tlsProblems(tls, ['listeners', at, 'tls']) : []
  })
}

function tlsProblems(tls: TlsConfig, path: Path): Problem[] {
  const problems: Problem[] = []
  const tell = (name: keyof TlsConfig, says: string): void => {
    const place = [...path, name]
    problems.push({ path: place, isName: false, message: `${written(place)} ${says}` })
  }
  if (tls.requestCert === true && tls.caFile === undefined)
    tell('requestCert', 'needs caFile: who signs the certificates of clients')
  if (tls.loginFrom !== undefined && tls.requestCert !== true) tell('loginFrom', 'needs requestCert: true')
  const found = new Map<string, Buffer>()
  for (const name of FILES.filter((name) => typeof tls[name] === 'string' && tls[name] !== '')) {
    try {
      found.set(name, readFileSync(String(tls[name])))
    } catch (error) {
      tell(name, `cannot be read: ${(error as Error).message}`)
    }
  }
  if (problems.length === 0) {
    const [cert, key, ca, crl] = FILES.map((name) => found.get(name))
    try {
      createSecureContext({ cert, key, ca, crl })
    } catch (error) {
      tell('certFile', `cannot be used with its key: ${(error as { reason?: string }).reason ?? String(error)}`)
    }
  }
  return problems
}
