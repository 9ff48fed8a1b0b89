/** Real clients over TLS: with a certificate that logs them in, and without one. */

import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type BrokerOptions, createBroker } from '@xtomp/core'
import { type ListenOptions, listen } from '@xtomp/tls'
import stompit from 'stompit'
import { describe, expect, it } from 'vitest'
import { localhost } from '../support/doors.js'
import { Heard } from '../support/heard.js'
import { folder } from '../support/listeners.js'
import { until } from '../support/suite.js'
import { type BehaviourName, behaviours } from './behaviours.js'
import { clients } from './clients.js'

const TIMEOUT_MS = 20_000
/**
 * Those that speak TLS. stomp.py reads and writes one TLS connection in two threads, and with TLS 1.3 a few connections
 * in a hundred get nowhere, whatever the server: 8 of 220 at a bare `tls` server, and none of 320 with TLS 1.2.
 */
const SPEAK_TLS: Readonly<Record<string, Partial<ListenOptions>>> = {
  'stomp.py': { maxVersion: 'TLSv1.2' },
  'ruby-stomp': {},
}
const SHOWN: readonly BehaviourName[] = ['connect', 'order', 'bodies', 'disconnect']

async function files() {
  const { authority, ca, server } = await localhost()
  // ruby-stomp reads RSA keys alone.
  const own = await authority.issue({ subject: 'CN=ann', isRsa: true })
  const into = await folder()
  const paths = { ca: join(into, 'ca'), cert: join(into, 'cert'), key: join(into, 'key') }
  await Promise.all([writeFile(paths.ca, ca), writeFile(paths.cert, own.cert), writeFile(paths.key, own.key)])
  return { ca, server, paths }
}

describe.each(clients.filter(({ name }) => name in SPEAK_TLS))('$name over TLS', (client) => {
  const kinds = [{ shows: 'a certificate' }, { shows: 'none' }] as const
  it.each(kinds)('shows what it shows without, with $shows', { timeout: TIMEOUT_MS }, async ({ shows }) => {
    if (process.env.XTOMP_REQUIRE_INTEROP === '1') expect(client.missing).toBeUndefined()
    if (client.missing !== undefined) return expect(client.missing).toContain('needs the Debian package')
    const { ca, server, paths } = await files()
    const isProven = shows === 'a certificate'
    const asked: unknown[] = []
    const hooks: BrokerOptions['hooks'] = {
      authenticate: (credentials) => {
        asked.push([credentials.isProven, credentials.isProven ? credentials.login : undefined])
        return true
      },
    }
    const broker = createBroker({ hooks })
    const heard = new Heard(broker)
    const trust: Partial<ListenOptions> = isProven ? { ca, requestCert: true, loginFrom: 'CN' } : {}
    const { port = 0 } = await listen(broker, { ...server, ...SPEAK_TLS[client.name], ...trust, port: 0 })
    try {
      const { signal } = new AbortController()
      const tls = isProven ? paths : { ca: paths.ca }
      for (const { name, sees } of behaviours.filter(({ name }) => SHOWN.includes(name))) {
        const saw = await client.show({ port, behaviour: name, versions: [client.usual], tls, signal })
        expect(saw).toBe(`${client.usual}: ${sees(client.usual)}\n`)
      }
      await until(() => Object.values(broker.stats()).every((count) => count === 0), 'a broker that holds nothing')
      expect(heard.of('disconnect').map(({ reason }) => reason.code)).toEqual(asked.map(() => 'disconnect'))
      expect(new Set(asked.map(String))).toEqual(new Set([String([isProven, isProven ? 'ann' : undefined])]))
    } finally {
      await broker.close()
    }
  })
})

it('serves stompit over TLS', async () => {
  const { ca, server } = await files()
  const broker = createBroker()
  const { port = 0 } = await listen(broker, { ...server, port: 0 })
  try {
    const client = await new Promise<stompit.Client>((resolve, reject) => {
      const options = { host: '127.0.0.1', port, ssl: true, ca, connectHeaders: { host: '/' } }
      stompit.connect(options as stompit.connect.ConnectOptions, (error, connected) =>
        error === null ? resolve(connected) : reject(error),
      )
    })
    const body = new Promise<string>((resolve, reject) => {
      client.subscribe({ destination: '/topic/a' }, (error, message) => {
        if (error !== null) return reject(error)
        message.readString('utf8', (fault, text) => (fault === null ? resolve(text as string) : reject(fault)))
      })
    })
    await until(() => broker.stats().subscriptions === 1, 'its subscription')
    broker.publish('/topic/a', 'over TLS')
    expect(await body).toBe('over TLS')
    await new Promise<void>((resolve, reject) =>
      client.disconnect((error: Error | null) => (error === null ? resolve() : reject(error))),
    )
  } finally {
    await broker.close()
  }
})
