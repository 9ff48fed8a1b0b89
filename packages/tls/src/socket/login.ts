/** The login that a client certificate proves. */

import { inspect } from 'node:util'
import type { ConnectionInfo } from '@xtomp/core'

/** A client's certificate, as `connection.info.tls.certificate` has it. */
export type ClientCertificate = NonNullable<NonNullable<ConnectionInfo['tls']>['certificate']>

/**
 * Where in a client's certificate its login is: the common name of its subject, the first email address or the first
 * DNS name of its alternative names, or what a function answers; undefined where it proves none.
 */
export type LoginFrom = 'CN' | 'email' | 'DNS' | ((certificate: ClientCertificate) => string | undefined)

/** The ways that have a name. */
export const LOGIN_FROM = ['CN', 'email', 'DNS'] as const

/** One alternative name, as Node writes it: a value that could be taken for more than one is quoted as JSON is. */
const ALT_NAME = /([A-Za-z0-9 ]+):("(?:[^"\\]|\\.)*"|[^,"]*)(?:, |$)/y

/**
 * The login, or undefined where there is none.
 * @throws whatever the host's function throws
 * @throws TypeError where it answers something else
 */
export function loginOf(certificate: ClientCertificate, from: LoginFrom): string | undefined {
  if (from === 'CN') return firstOf(certificate.subject.CN)
  if (from === 'email' || from === 'DNS') return altNameOf(certificate.altNames ?? '', from)
  const login: unknown = from(certificate)
  if (login === undefined || typeof login === 'string') return login || undefined
  throw new TypeError(`loginFrom must answer a text or undefined; given ${inspect(login)}`)
}

function firstOf(names: string | readonly string[] | undefined): string | undefined {
  return (typeof names === 'string' ? names : names?.[0]) || undefined
}

/** Name by name from the first: what is looked for may also stand within the value of another. */
function altNameOf(altNames: string, kind: 'email' | 'DNS'): string | undefined {
  const name = new RegExp(ALT_NAME)
  for (let found = name.exec(altNames); found !== null && found[0] !== ''; found = name.exec(altNames)) {
    const [, itsKind, value = ''] = found
    if (itsKind === kind && value !== '') return value.startsWith('"') ? String(JSON.parse(value)) : value
  }
  return undefined
}
