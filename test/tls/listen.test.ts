/** A TLS door: who comes in, as whom, and that certificates can be replaced beneath those who are in. */

import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { connect as dialTo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type ConnectionOptions, connect as connectTls, type TLSSocket } from 'node:tls'
import type { BrokerEvents, BrokerOptions, SessionSnapshot } from '@xtomp/core'
import { type Listener, type ListenOptions, listen } from '@xtomp/tls'
import { beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { type Authority, type Certified, createAuthority, issueForServer } from '../support/certificates.js'
import { dialTls, localhost } from '../support/doors.js'
import { expectNothingHeld, open as openBroker } from '../support/listeners.js'
import { until } from '../support/suite.js'
import { WireClient } from '../support/wire-client.js'

let authority: Authority
let server: Certified
let ca: string
let ann: Certified

beforeAll(async () => {
  ;({ authority, server, ca } = await localhost())
  ann = await authority.issue({
    subject: 'CN=ann, O=Example',
    altNames: [
      { type: 'dns', value: 'ann.example.test' },
      { type: 'email', value: 'ann@example.test' },
    ],
  })
})

const logged: { level: 'warn' | 'error'; fields: unknown; message: string }[] = []

async function open(options: Partial<ListenOptions> = {}, brokerOptions: BrokerOptions = {}) {
  logged.length = 0
  const logger = {
    info: () => undefined,
    warn: (fields: unknown, message: string) => void logged.push({ level: 'warn', fields, message }),
    error: (fields: unknown, message: string) => void logged.push({ level: 'error', fields, message }),
  }
  const { broker, clock } = openBroker({ logger, ...brokerOptions })
  const listener = await listen(broker, { ...server, port: 0, ...options })
  return { broker, clock, listener }
}

async function client({ port }: Listener, options: ConnectionOptions = {}): Promise<WireClient> {
  const opened = await WireClient.dial(dialTls({ host: '127.0.0.1', port: port as number }, { ca, ...options }))
  onTestFinished(() => opened.abort())
  return opened
}

/** Comes in and answers who it then is, and what is known of its connection. */
async function comesIn(listener: Listener, options: ConnectionOptions = {}, headers: Record<string, string> = {}) {
  const one = await client(listener, options)
  await one.connect(headers)
  return one
}

/** A socket of Node that begins to shake hands. */
function begun({ port }: Listener, options: ConnectionOptions = {}): TLSSocket {
  const socket = connectTls({ host: '127.0.0.1', port: port as number, ca, ...options })
  onTestFinished(() => void socket.destroy())
  socket.on('error', () => undefined)
  return socket
}

/** One that has; it says nothing yet. */
async function secured(listener: Listener, options: ConnectionOptions = {}): Promise<TLSSocket> {
  const socket = begun(listener, options)
  await once(socket, 'secureConnect')
  return socket
}

/** Whatever a client says is refused by who tells it, in a frame. */
async function refusal(listener: Listener, options: ConnectionOptions): Promise<{ code: string; text: string }> {
  const one = await client(listener, options)
  const { headers, text } = await one.frame('ERROR')
  await one.expectClosed()
  return { code: headers.code ?? '', text }
}

/** A session's ticket: it comes within the handshake, or behind it when something is read. */
async function ticketOf(listener: Listener, options: ConnectionOptions = {}): Promise<Buffer> {
  const socket = begun(listener, options)
  const told = once(socket, 'session')
  await once(socket, 'secureConnect')
  socket.resume()
  const [session] = await told
  socket.end()
  await once(socket, 'close')
  return session as Buffer
}

describe('a TLS listener', () => {
  test('tells what was agreed on, and of a client without a certificate nothing more', async () => {
    const { broker, listener } = await open()
    await comesIn(listener, { servername: 'localhost' })
    const [session] = [...broker.sessions()]
    expect(session?.connection).toMatchObject({
      transport: 'tls',
      remoteAddress: '127.0.0.1',
      localPort: listener.port,
    })
    expect(session?.connection.tls).toEqual({
      protocol: 'TLSv1.3',
      cipher: 'TLS_AES_256_GCM_SHA384',
      serverName: 'localhost',
      isVerified: false,
      certificate: undefined,
    })
  })

  test('still tells it of a client that is lost', async () => {
    const { broker, listener } = await open({ ca: authority.ca, requestCert: true })
    const ends: BrokerEvents['disconnect'][] = []
    broker.on('disconnect', (end) => ends.push(end))
    const one = await comesIn(listener, ann)
    one.abort()
    await until(() => ends.length === 1, 'the end')
    expect(ends[0]?.reason.code).toBe('peer-lost')
    expect(ends[0]?.session.connection.tls?.certificate?.subject).toEqual({ CN: 'ann', O: 'Example' })
  })

  test('shows the certificate of the name asked for, by wildcard too, in any case, and else its own', async () => {
    const [exact, wild] = [await issueForServer(authority, 'a.test'), await issueForServer(authority, '*.b.test')]
    const { listener } = await open({ sni: { 'A.test': exact, '*.b.test': wild } })
    const shownFor = async (servername: string) => {
      const socket = await secured(listener, { servername, checkServerIdentity: () => undefined })
      return socket.getPeerCertificate().subject.CN
    }
    expect(await shownFor('a.test')).toBe('a.test')
    expect(await shownFor('x.B.test')).toBe('*.b.test')
    expect(await shownFor('x.y.b.test')).toBe('localhost')
    expect(await shownFor('b.test')).toBe('localhost')
    expect(await shownFor('')).toBe('localhost')
  })

  test('takes a certificate and its key from a pfx', async (context) => {
    const folder = await mkdtemp(join(tmpdir(), 'xtomp-'))
    onTestFinished(() => rm(folder, { recursive: true, force: true }))
    await Promise.all([writeFile(join(folder, 'c'), server.cert), writeFile(join(folder, 'k'), server.key)])
    const args = 'pkcs12 -export -in c -inkey k -out p -passout pass:secret'.split(' ')
    try {
      execFileSync('openssl', args, { cwd: folder, stdio: 'ignore' })
    } catch {
      context.skip('needs the command openssl')
    }
    const pfx = await readFile(join(folder, 'p'))
    const { broker, listener } = await open({ cert: undefined, key: undefined, pfx, passphrase: 'secret' })
    await comesIn(listener)
    await expect(listen(broker, { port: 0, pfx, passphrase: 'other' })).rejects.toThrow('pfx cannot be used')
  })

  test('takes a client that has sent all it has, and answers it', async () => {
    const { listener } = await open()
    const one = await client(listener)
    one.write('CONNECT\naccept-version:1.2\nhost:/\n\n\0SEND\ndestination:/topic/a\nreceipt:r\n\nhello\0')
    one.end()
    await one.frame('CONNECTED')
    await one.frame('RECEIPT', { 'receipt-id': 'r' })
    await one.expectClosed()
  })

  test('is closed with all it had: clients at work, and ones that are still shaking hands or have said nothing', async () => {
    const { broker, listener } = await open()
    const working = await Promise.all(Array.from({ length: 20 }, () => comesIn(listener)))
    const arriving = Array.from({ length: 20 }, (_, at) => {
      const socket = dialTo(listener.port as number, '127.0.0.1')
      socket.on('error', () => undefined)
      if (at % 2 === 0) socket.write(new Uint8Array([0x16, 3, 1]))
      return socket
    })
    await Promise.all(arriving.map((socket) => once(socket, 'connect')))
    await Promise.all([broker.close(), ...working.map((one) => one.error('broker-closing'))])
    expect(listener.connections).toBe(0)
    await expectNothingHeld()
  })

  test('turns away one too many in words that it can read', async () => {
    const { listener } = await open({ maxConnections: 1 })
    await comesIn(listener)
    expect((await refusal(listener, {})).code).toBe('connections-too-many')
  })
})

describe('a client certificate', () => {
  const logins: [from: ListenOptions['loginFrom'], login: string][] = [
    ['CN', 'ann'],
    ['email', 'ann@example.test'],
    ['DNS', 'ann.example.test'],
    [({ subject }) => `${subject.O}/${subject.CN}`, 'Example/ann'],
  ]
  test.each(logins)('logs in whom it names, without a passcode: %s', async (loginFrom, login) => {
    const asked: unknown[] = []
    const hooks: BrokerOptions['hooks'] = {
      authenticate: ({ login: given, isProven, connection }) => {
        asked.push([given, isProven, connection.tls?.isVerified])
        return true
      },
    }
    const { listener } = await open({ ca, requestCert: true, loginFrom }, { hooks })
    await comesIn(listener, ann)
    expect(asked).toEqual([[login, true, true]])
    const liar = await client(listener, ann)
    liar.send('CONNECT', { 'accept-version': '1.2', host: '/', login: 'bob' })
    await liar.error('auth-failed')
  })

  test('that is not trusted is told why, and one that is missing, too', async () => {
    const stranger = await (await createAuthority('CN=Somebody else')).issue({ subject: 'CN=ann' })
    const expired = await authority.issue({ subject: 'CN=ann', days: -1 })
    const revoked = await authority.issue({ subject: 'CN=ann' })
    const crl = await authority.revoke(revoked)
    const { listener, clock } = await open({ ca, crl, requestCert: true, loginFrom: 'CN' })
    const cases: [ConnectionOptions, string][] = [
      [stranger, 'UNABLE_TO_VERIFY_LEAF_SIGNATURE'],
      [expired, 'CERT_HAS_EXPIRED'],
      [revoked, 'CERT_REVOKED'],
      [{}, 'none was shown'],
    ]
    for (const maxVersion of ['TLSv1.3', 'TLSv1.2'] as const) {
      for (const [options, why] of cases) {
        const { code, text } = await refusal(listener, { ...options, maxVersion })
        expect([code, text]).toEqual(['auth-failed', expect.stringContaining(why)])
      }
    }
    await comesIn(listener, ann)
    // One line at once, and after a while one that says how many there were since.
    expect(logged).toHaveLength(1)
    await clock.advance(10_000)
    await refusal(listener, {})
    expect(logged).toHaveLength(2)
    expect(logged[1]?.fields).toMatchObject({ failures: 8 })
  })

  test('that is not trusted proves nothing where its client may come in all the same', async () => {
    const stranger = await (await createAuthority('CN=Somebody else')).issue({ subject: 'CN=ann' })
    const options = { ca, requestCert: true, rejectUnauthorized: false, loginFrom: 'CN' } as const
    const seen: [string | undefined, boolean, string | undefined][] = []
    const hooks: BrokerOptions['hooks'] = {
      authenticate: ({ login, isProven, connection: { tls } }) => {
        seen.push([login, isProven, `${tls?.isVerified} ${tls?.certificate?.subject.CN}`])
        return true
      },
    }
    const { listener } = await open(options, { hooks })
    for (const shown of [stranger, {}, ann]) await comesIn(listener, shown)
    expect(seen).toEqual([
      [undefined, false, 'false ann'],
      [undefined, false, 'false undefined'],
      ['ann', true, 'true ann'],
    ])
  })

  test('whose login the host cannot tell is turned away, and the log has the fault', async () => {
    const answers: [unknown, string][] = [
      [new Error('no directory'), 'no directory'],
      [Promise.resolve('ann'), 'loginFrom must answer a text or undefined; given Promise'],
    ]
    for (const [answer, fault] of answers) {
      const loginFrom = (): string => {
        if (answer instanceof Error) throw answer
        return answer as string
      }
      const { listener } = await open({ ca, requestCert: true, loginFrom })
      expect((await refusal(listener, ann)).code).toBe('hook-failed')
      expect(logged).toMatchObject([{ level: 'error', fields: { err: { message: expect.stringContaining(fault) } } }])
    }
  })
})

describe('a resumed TLS session', () => {
  const options = (): Partial<ListenOptions> => ({ ca, requestCert: true, rejectUnauthorized: false, loginFrom: 'CN' })

  async function resumes(listener: Listener, session: Buffer, more: ConnectionOptions = {}) {
    const socket = await secured(listener, { session, ...more })
    const isReused = socket.isSessionReused()
    socket.write('CONNECT\naccept-version:1.2\nhost:/\n\n\0')
    await once(socket, 'data')
    return isReused
  }

  test.each(['TLSv1.3', 'TLSv1.2'] as const)('has its certificate again, and its login: %s', async (maxVersion) => {
    const { broker, listener } = await open(options())
    const session = await ticketOf(listener, { ...ann, maxVersion })
    expect(await resumes(listener, session, { maxVersion })).toBe(true)
    expect([...broker.sessions()].map(({ user }) => user)).toEqual(['ann'])
  })

  test('in which no certificate was shown proves nothing, though Node calls it authorized', async () => {
    const { broker, listener } = await open(options())
    const session = await ticketOf(listener)
    expect(await resumes(listener, session)).toBe(true)
    const [{ connection, user }] = [...broker.sessions()] as [SessionSnapshot]
    expect([user, connection.tls?.isVerified]).toEqual([undefined, false])
  })

  test('is resumed by the name that was asked for', async () => {
    const { broker, listener } = await open({
      ...options(),
      sni: { 'a.test': await issueForServer(authority, 'a.test') },
    })
    const session = await ticketOf(listener, { ...ann, servername: 'a.test' })
    expect(await resumes(listener, session, { servername: 'a.test' })).toBe(true)
    expect([...broker.sessions()].map(({ user }) => user)).toEqual(['ann'])
  })

  test.each(['TLSv1.3', 'TLSv1.2'] as const)(
    'is not resumed once the certificates were replaced: %s',
    async (maxVersion) => {
      const { broker, listener } = await open(options())
      const session = await ticketOf(listener, { ...ann, maxVersion })
      listener.setCertificates({ crl: await authority.revoke(ann) })
      expect(await resumes(listener, session, { maxVersion })).toBe(false)
      expect([...broker.sessions()].map(({ user }) => user)).toEqual([undefined])
    },
  )
})

describe('certificates that are replaced', () => {
  const shownBy = async (listener: Listener, servername = '') => {
    const socket = await secured(listener, { servername, checkServerIdentity: () => undefined })
    return socket.getPeerCertificate().fingerprint256
  }

  test('are shown from then on, also by name, and nobody who is in goes', async () => {
    const sni = async () => ({ 'a.test': await issueForServer(authority, 'a.test') })
    const { listener } = await open({ sni: await sni() })
    const one = await comesIn(listener)
    const [own, named] = [await shownBy(listener), await shownBy(listener, 'a.test')]
    listener.setCertificates(await issueForServer(authority))
    const renewed = await shownBy(listener)
    expect(renewed).not.toBe(own)
    expect(await shownBy(listener, 'a.test')).toBe(named)
    listener.setCertificates({ sni: await sni() })
    expect(await shownBy(listener)).toBe(renewed)
    expect(await shownBy(listener, 'a.test')).not.toBe(named)
    await one.roundTrip()
  })

  test('stay as they were where the new ones are of no use, and it is said why', async () => {
    const other = await issueForServer(authority)
    const { listener } = await open({ ca, requestCert: true, rejectUnauthorized: false })
    const before = await shownBy(listener)
    const wrong: [Parameters<Listener['setCertificates']>[0], string][] = [
      [{ cert: other.cert, key: server.key }, 'key is not the key of cert'],
      [{ cert: other.cert }, 'cert and key, or pfx, must be given'],
      [{ cert: 'rubbish', key: other.key }, 'cert cannot be used: '],
      [{ cert: other.cert, key: 'rubbish' }, 'key cannot be used: '],
      [{ ca: 'rubbish' }, 'ca cannot be used: '],
      [{ crl: 'rubbish' }, 'these TLS options cannot be used: '],
      [
        { sni: { 'a.test': { cert: other.cert, key: server.key } } },
        "sni['a.test'].key is not the key of sni['a.test'].cert",
      ],
    ]
    for (const [given, message] of wrong) {
      expect(() => listener.setCertificates(given)).toThrow(TypeError)
      expect(() => listener.setCertificates(given)).toThrow(message)
      expect(await shownBy(listener)).toBe(before)
    }
  })
})

describe('options of a TLS listener', () => {
  const wrong: [options: unknown, message: string][] = [
    [{ cert: undefined }, 'cert and key, or pfx, must be given'],
    [{ requestCert: 'yes' }, "requestCert must be true or false; given 'yes'"],
    [{ requestCert: true }, 'requestCert needs ca'],
    [{ loginFrom: 'CN' }, 'loginFrom needs requestCert: true'],
    [{ loginFrom: 'cn' }, "loginFrom must be CN, email, DNS or a function; given 'cn'"],
    [{ handshakeTimeoutMs: 0 }, 'handshakeTimeoutMs must be a whole number from 1 to 2147483647; given 0'],
    [{ minVersion: 'TLSv9' }, 'these TLS options cannot be used'],
    [{ ciphers: 'none such' }, 'these TLS options cannot be used'],
    [{ certs: 1 }, 'there is no option certs (did you mean cert?); there are port, '],
    [{ key: 5 }, 'key must be a text or a Buffer that is not empty; given 5'],
    [{ pfx: Buffer.from('x') }, 'pfx stands instead of cert and key; given both'],
  ]
  test.each(wrong)('are checked at once: %j', async (options, message) => {
    const failing = open(options as ListenOptions)
    await expect(failing).rejects.toThrow(message)
    await expect(failing).rejects.toBeInstanceOf(TypeError)
    await expectNothingHeld()
  })
})
