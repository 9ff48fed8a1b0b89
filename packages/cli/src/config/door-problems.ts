/** What is wrong with doors and no schema can say: files that cannot be read, options that need another, and addresses. */

import { readFileSync } from 'node:fs'
import { createSecureContext, type SecureContextOptions } from 'node:tls'
import { TrustedAddresses, whyNoReusePort } from '@xtomp/net/socket'
import type { Path, Problem } from './document.js'
import type { IdentityConfig, ListenerConfig, TlsConfig } from './listener.js'
import { written } from './names.js'

/** The files of an identity, as their options are called, and what Node calls what they hold. */
const IDENTITY_FILES = { certFile: 'cert', keyFile: 'key', pfxFile: 'pfx' } as const
/** The others. */
const TRUST_FILES = { caFile: 'ca', crlFile: 'crl' } as const

/** Looks at each door, as far as it is well-formed. */
export function doorProblems(listeners: readonly unknown[]): Problem[] {
  return listeners.flatMap((listener, at) => {
    const { transport, tls, proxy } = Object(listener) as ListenerConfig
    const notShared = sharingFault(Object(listener) as ListenerConfig)
    return [
      ...(isObject(tls) ? tlsProblems(tls, ['listeners', at, 'tls']) : []),
      ...(transport === 'tls' && tls?.required !== undefined ? [needlessAt(['listeners', at, 'tls', 'required'])] : []),
      ...(isObject(proxy) ? proxyProblems(proxy, { transport, path: ['listeners', at, 'proxy'] }) : []),
      ...(notShared === undefined ? [] : [problem(['listeners', at, 'reusePort'], notShared)]),
    ]
  })
}

/** Why a port cannot be shared, in the words of the door itself. */
function sharingFault({ reusePort, port, path }: ListenerConfig): string | undefined {
  if (reusePort !== true) return undefined
  if (path !== undefined) return 'is for ports, and path is none'
  return port === 0 ? 'needs a port that all know, and 0 is another for each' : whyNoReusePort
}

function isObject(given: unknown): given is object {
  return typeof given === 'object' && given !== null && !Array.isArray(given)
}

function needlessAt(path: Path): Problem {
  return problem(path, 'is for transport mux: nothing comes without TLS through a door of TLS alone')
}

function proxyProblems(
  { trust, required }: NonNullable<ListenerConfig['proxy']>,
  { transport, path }: { readonly transport: ListenerConfig['transport']; readonly path: Path },
): Problem[] {
  const problems = (Array.isArray(trust) ? (trust as unknown[]) : []).flatMap((given, at) =>
    // Of what is no text, the schema says so.
    typeof given !== 'string' || given === '' || isTrustable(given)
      ? []
      : [
          problem(
            [...path, 'trust', at],
            `must be an IP address, a network such as 10.0.0.0/8, loopback or unix; given ${JSON.stringify(given)}`,
          ),
        ],
  )
  if (required === true && transport === 'ws')
    problems.push(
      problem([...path, 'required'], 'needs transport mux: a door of WebSockets alone reads no PROXY headers'),
    )
  return problems
}

function isTrustable(text: string): boolean {
  try {
    return new TrustedAddresses([text], 'trust') !== undefined
  } catch {
    return false
  }
}

function tlsProblems(tls: TlsConfig, path: Path): Problem[] {
  const { caFile, requestCert, loginFrom, minVersion, maxVersion, ciphers, sni } = tls
  const problems: Problem[] = []
  const tell = (name: keyof TlsConfig, says: string): void => void problems.push(problem([...path, name], says))
  if (requestCert === true && caFile === undefined)
    tell('requestCert', 'needs caFile: who signs the certificates of clients')
  if (loginFrom !== undefined && requestCert !== true) tell('loginFrom', 'needs requestCert: true')
  if (minVersion === 'TLSv1.3' && maxVersion === 'TLSv1.2') tell('maxVersion', 'is below minVersion')
  const { found, unreadable } = readFiles(tls, TRUST_FILES, path)
  problems.push(...unreadable)
  // What is wrong already would be told once more, in other words.
  const shared = problems.length > 0 ? undefined : { ...found, minVersion, maxVersion, ciphers }
  problems.push(...identityProblems(tls, path, shared))
  for (const [name, identity] of Object.entries(isObject(sni) ? sni : {}))
    if (isObject(identity)) problems.push(...identityProblems(identity, [...path, 'sni', name], {}))
  return problems
}

/** Whether its files can be read, and used with what is shared, where that is to be tried. */
function identityProblems(
  identity: IdentityConfig,
  path: Path,
  shared: SecureContextOptions | undefined,
): readonly Problem[] {
  const { found, unreadable } = readFiles(identity, IDENTITY_FILES, path)
  if (unreadable.length > 0 || shared === undefined) return unreadable
  const { passphrase } = identity
  const { cert, key, pfx } = found
  if (pfx === undefined && (cert === undefined || key === undefined)) return []
  try {
    createSecureContext({
      ...shared,
      ...(pfx === undefined ? { cert, key } : { pfx }),
      ...(typeof passphrase === 'string' && { passphrase }),
    })
    return []
  } catch (error) {
    const says = (error as { reason?: string }).reason ?? (error as Error).message
    return [
      pfx === undefined
        ? problem([...path, 'certFile'], `cannot be used with its key: ${says}`)
        : problem([...path, 'pfxFile'], `cannot be used: ${says}`),
    ]
  }
}

function readFiles<Name extends string>(
  given: object,
  files: Readonly<Record<string, Name>>,
  path: Path,
): { readonly found: { readonly [name in Name]?: Buffer }; readonly unreadable: readonly Problem[] } {
  const found: { [name in Name]?: Buffer } = {}
  const unreadable: Problem[] = []
  for (const [option, name] of Object.entries(files)) {
    const file: unknown = (given as Record<string, unknown>)[option]
    if (typeof file !== 'string' || file === '') continue
    try {
      found[name] = readFileSync(file)
    } catch (error) {
      unreadable.push(problem([...path, option], `cannot be read: ${(error as Error).message}`))
    }
  }
  return { found, unreadable }
}

function problem(path: Path, says: string): Problem {
  return { path, isName: false, message: `${written(path)} ${says}` }
}
