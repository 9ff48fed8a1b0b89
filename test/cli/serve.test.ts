/** `xtomp serve`, as an operator meets it: in a process of its own, by its lines, its signals and its exit code. */

import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { createPrivateKey } from 'node:crypto'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connect as connectTls } from 'node:tls'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { type Certified, createAuthority, issueForServer } from '../support/certificates.js'
import { dialWebSocket } from '../support/dial-web-socket.js'
import { dialSocket, dialTls } from '../support/doors.js'
import { freePort, pythonFor, RunningProgram } from '../support/programs.js'
import { root } from '../support/sources.js'
import { canSharePorts, isLinux, tcpSocketsAt } from '../support/tcp-sockets.js'
import { WireClient } from '../support/wire-client.js'

const bin = join(root, 'packages', 'cli', 'bin', 'xtomp.js')
/** npm takes its time. */
const TIMEOUT_MS = 30_000

/** A program that serves, by itself or through npm. */
interface Serving {
  readonly child: ChildProcess
  readonly program: RunningProgram
}

/** Starts a command in a process group of its own, as a terminal does. */
function start(command: string, ...args: string[]): Serving {
  const child = spawn(command, args, { cwd: root, detached: true, stdio: ['ignore', 'pipe', 'pipe'] })
  const program = new RunningProgram(child)
  onTestFinished(async () => {
    await endGroup(child)
    await program.exit()
  })
  return { child, program }
}

/** Whatever is left of it, and only of it: its group has its id. */
async function endGroup({ pid }: ChildProcess): Promise<void> {
  if (pid === undefined) return
  try {
    process.kill(-pid, 'SIGKILL')
  } catch {
    // All of it has ended.
  }
}

function xtomp(...args: string[]): Serving {
  return start(process.execPath, bin, ...args)
}

/** Until it holds, for as long as a test may take: other programs may have the processors. */
function eventually(holds: () => unknown): Promise<unknown> {
  return vi.waitFor(holds, { timeout: TIMEOUT_MS, interval: 50 })
}

async function portOf({ program }: Serving): Promise<number> {
  await program.prints('xtomp: STOMP on ')
  const line = /xtomp: STOMP on \S+:(\d+)\n/
  await eventually(() => expect(program.output).toMatch(line))
  return Number(line.exec(program.output)?.[1])
}

/** The port that all share. */
async function webPortOf({ program }: Serving): Promise<number> {
  const line = /on \S+:(\d+); the page is /
  await program.prints('xtomp: STOMP')
  await eventually(() => expect(program.output).toMatch(line))
  return Number(line.exec(program.output)?.[1])
}

/** The first lines of its log. */
async function logged({ program }: Serving, count = 1): Promise<unknown[]> {
  await eventually(() => expect(program.errors.split('\n').length).toBeGreaterThan(count))
  return program.errors
    .split('\n')
    .slice(0, count)
    .map((line) => JSON.parse(line) as unknown)
}

async function dial(port: number, host = '127.0.0.1'): Promise<WireClient> {
  const client = await WireClient.dial(dialSocket({ port, host }))
  onTestFinished(() => client.abort())
  return client
}

async function connected(port: number, host?: string): Promise<WireClient> {
  const client = await dial(port, host)
  await client.connect()
  return client
}

/** A client that has a delivery to settle. */
async function working(port: number): Promise<{ client: WireClient; ack: string }> {
  const client = await connected(port)
  await client.confirm('SUBSCRIBE', { id: '0', destination: '/queue/a', ack: 'client-individual' })
  client.send('SEND', { destination: '/queue/a' }, 'one')
  const { headers } = await client.frame('MESSAGE')
  return { client, ack: headers.ack as string }
}

/** It may settle what it has, and is then told why it has to go. */
async function expectDrain({ program }: Serving, { client, ack }: { client: WireClient; ack: string }): Promise<void> {
  await program.prints('xtomp: draining')
  await client.confirm('ACK', { id: ack })
  await client.error('broker-closing')
}

describe('xtomp serve', { timeout: TIMEOUT_MS }, () => {
  test('binds this machine only, at a port for STOMP and one for all, and says so in a line each', async () => {
    const serving = xtomp('serve', '--port', '0')
    const [port, web] = [await portOf(serving), await webPortOf(serving)]
    expect(serving.program.output).toBe(
      `xtomp: STOMP on 127.0.0.1:${port}\nxtomp: STOMP, also over WebSocket at /stomp, on 127.0.0.1:${web}; the page is http://127.0.0.1:${web}/\n`,
    )
    expect(Math.min(port, web)).toBeGreaterThan(0)
    expect(serving.program.errors).toBe('')
    await connected(port)
  })

  test('serves STOMP, WebSockets of pages of this machine, its health and the page at one port', async () => {
    const port = await webPortOf(xtomp('serve', '--port', '0'))
    await connected(port)
    const url = `127.0.0.1:${port}`
    for (const origin of [`http://${url}`, 'http://localhost:3000', undefined]) {
      const client = await WireClient.dial(dialWebSocket(`ws://${url}/stomp`, origin === undefined ? {} : { origin }))
      onTestFinished(() => client.abort())
      await client.connect()
    }
    const stranger = WireClient.dial(dialWebSocket(`ws://${url}/stomp`, { origin: 'http://example.org' }))
    await expect(stranger).rejects.toThrow('403')
    const health = await fetch(`http://${url}/health`)
    expect([health.status, await health.json()]).toEqual([200, expect.objectContaining({ status: 'ok' })])
    expect(await (await fetch(`http://${url}/`)).text()).toContain('<title>xtomp</title>')
  })

  test('opens no shared port where that is switched off', async () => {
    const serving = xtomp('serve', '--port', '0', '--web-port', 'off')
    const port = await portOf(serving)
    await connected(port)
    expect(serving.program.output).toBe(`xtomp: STOMP on 127.0.0.1:${port}\n`)
  })

  test('says what moves the shared port, or switches it off, where that one is taken', async () => {
    const other = createServer().listen(0, '127.0.0.1')
    onTestFinished(() => void other.close())
    await once(other, 'listening')
    const { port } = other.address() as { port: number }
    const { program } = xtomp('serve', '--port', '0', '--web-port', String(port))
    expect(await program.exit()).toBe(1)
    expect(program.errors).toBe(
      `xtomp: another program listens on 127.0.0.1:${port}; --web-port N (npm start -- --web-port N) or XTOMP_WEB_PORT=N takes another port, off none\n`,
    )
  })

  test('says that a port is given twice, and blames nobody else', async () => {
    const port = await freePort()
    const { program } = xtomp('serve', '--port', String(port), '--web-port', String(port))
    expect(await program.exit()).toBe(1)
    expect(program.errors).toBe(
      `xtomp: another door of this broker listens on 127.0.0.1:${port}; --web-port N (npm start -- --web-port N) or XTOMP_WEB_PORT=N takes another port, off none\n`,
    )
  })

  test('takes the port that is given', async () => {
    const port = await freePort()
    const serving = xtomp('serve', `--port=${port}`)
    expect(await portOf(serving)).toBe(port)
    await connected(port)
  })

  test('writes an IPv6 address in brackets', async () => {
    const serving = xtomp('serve', '--port', '0', '--host', '::1')
    const port = await portOf(serving)
    const web = await webPortOf(serving)
    expect(serving.program.output).toContain(`xtomp: STOMP on [::1]:${port}\n`)
    expect(serving.program.output).toContain(`on [::1]:${web}; the page is http://[::1]:${web}/\n`)
    expect(serving.program.errors).toBe('')
    await connected(port, '::1')
    expect((await fetch(`http://[::1]:${web}/`)).status).toBe(200)
  })

  test('warns where it is open to other machines', async () => {
    const serving = xtomp('serve', '--port', '0', '--host', '0.0.0.0')
    const [port, web] = [await portOf(serving), await webPortOf(serving)]
    const [warning] = await logged(serving)
    expect(warning).toMatchObject({
      level: 'warn',
      on: [`0.0.0.0:${port}`, `0.0.0.0:${web}`],
      msg: 'open to other machines, and nobody is asked for a login',
    })
    await connected(port)
  })

  test('serves what a file says: its doors, its limits, its users; and logs, with no passcode, where no terminal is', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'xtomp-'))
    onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
    const [file, path] = [join(folder, 'broker.yaml'), join(folder, 'socket')]
    writeFileSync(
      file,
      `listeners: [{ port: 1, host: 0.0.0.0 }, { path: ${path} }]
broker: { limits: { subscriptions: 0 } }
users: [{ login: ann, passcode: hunter2 }]
`,
    )
    const serving = xtomp('serve', '--config', file, '--port', '0')
    const port = await portOf(serving)
    await serving.program.prints(`xtomp: STOMP on ${path}\n`)
    for (const passcode of ['hunter3', 'hunter4']) {
      const stranger = await dial(port)
      stranger.send('CONNECT', { 'accept-version': '1.2', host: '/', login: 'ann', passcode })
      await stranger.error('auth-failed')
    }
    const client = await WireClient.dial(dialSocket({ path }))
    onTestFinished(() => client.abort())
    await client.connect({ login: 'ann', passcode: 'hunter2' })
    client.send('SUBSCRIBE', { id: '0', destination: '/topic/a' })
    await client.error('subscriptions-too-many')
    const lines = await logged(serving, 3)
    expect(lines).toMatchObject([
      { level: 'warn', msg: 'a login was refused', login: 'ann', transport: 'tcp' },
      { level: 'warn', msg: 'a login was refused', login: 'ann', transport: 'tcp' },
      { level: 'warn', msg: 'a client has gone', code: 'subscriptions-too-many', login: 'ann', transport: 'unix' },
    ])
    expect(serving.program.errors).not.toContain('hunter')
  })

  test('serves WebSockets at the paths that a file names', async () => {
    const file = fileOf("listeners: [{ transport: ws, port: 0, ws: { path: [/a, /b], origins: ['http://a.test'] } }]\n")
    const serving = xtomp('serve', '--config', file)
    await serving.program.prints('xtomp: STOMP over WebSocket on ws://127.0.0.1:')
    const [, port] = /ws:\/\/127\.0\.0\.1:(\d+)\/a\n/.exec(serving.program.output) ?? []
    const client = await WireClient.dial(dialWebSocket(`ws://127.0.0.1:${port}/b`, { origin: 'http://a.test' }))
    onTestFinished(() => client.abort())
    await client.connect()
    await expect(WireClient.dial(dialWebSocket(`ws://127.0.0.1:${port}/c`))).rejects.toThrow('404')
  })

  test('lets in by certificate who is one of its users, and shows certificates that were replaced at SIGHUP', async () => {
    const authority = await createAuthority()
    const folder = mkdtempSync(join(tmpdir(), 'xtomp-'))
    onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
    const place = ({ cert, key }: Certified): void => {
      writeFileSync(join(folder, 'cert.pem'), cert)
      writeFileSync(join(folder, 'key.pem'), key)
    }
    const first = await issueForServer(authority)
    place(first)
    writeFileSync(join(folder, 'ca.pem'), authority.ca)
    const [certFile, keyFile, caFile] = ['cert.pem', 'key.pem', 'ca.pem'].map((name) => join(folder, name))
    const listener = {
      transport: 'tls',
      port: 0,
      tls: { certFile, keyFile, caFile, requestCert: true, loginFrom: 'CN' },
    }
    const config = { listeners: [listener], users: [{ login: 'ann', passcode: 'x' }], log: { level: 'info' } }
    const serving = xtomp('serve', '--config', fileOf(JSON.stringify(config)))
    await serving.program.prints('xtomp: STOMP over TLS on 127.0.0.1:')
    const port = Number(/TLS on 127\.0\.0\.1:(\d+)\n/.exec(serving.program.output)?.[1])
    const dialAs = async (login: string): Promise<WireClient> => {
      const identity = await authority.issue({ subject: `CN=${login}` })
      const client = await WireClient.dial(dialTls({ host: '127.0.0.1', port }, { ca: authority.ca, ...identity }))
      onTestFinished(() => client.abort())
      return client
    }
    const ann = await dialAs('ann')
    await ann.connect()
    const eve = await dialAs('eve')
    eve.send('CONNECT', { 'accept-version': '1.2', host: '/' })
    await eve.error('auth-failed')

    const shown = async (): Promise<string> => {
      const socket = connectTls({ host: '127.0.0.1', port, ca: authority.ca, rejectUnauthorized: false })
      socket.on('error', () => undefined)
      await once(socket, 'secureConnect')
      const certificate = socket.getPeerX509Certificate()
      socket.destroy()
      return certificate?.serialNumber ?? ''
    }
    const before = await shown()
    place(await issueForServer(authority))
    serving.program.signal('SIGHUP')
    await eventually(() => expect(serving.program.errors).toContain('certificates were read again'))
    const after = await shown()
    expect(after).not.toBe(before)
    // A key that is not the certificate's.
    writeFileSync(join(folder, 'key.pem'), first.key)
    serving.program.signal('SIGHUP')
    await eventually(() => expect(serving.program.errors).toContain('those from before stay'))
    expect(await shown()).toBe(after)
    await ann.confirm('SUBSCRIBE', { id: '0', destination: '/topic/a' })
  })

  test('shows certificates of PKCS #12 and by the name asked for, of keys that a passphrase opens', async () => {
    const authority = await createAuthority()
    const folder = mkdtempSync(join(tmpdir(), 'xtomp-'))
    onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
    const place = ({ cert, key }: Certified, name: string): string[] => {
      const files = [join(folder, `${name}.crt`), join(folder, `${name}.key`)]
      writeFileSync(files[0] ?? '', cert)
      const encrypted = { cipher: 'aes-256-cbc', passphrase: 'hush', format: 'pem', type: 'pkcs8' } as const
      writeFileSync(files[1] ?? '', createPrivateKey(key).export(encrypted))
      return files
    }
    const [localCert = '', localKey = ''] = place(await issueForServer(authority), 'local')
    const pfxFile = join(folder, 'local.p12')
    const passwords = ['-passin', 'pass:hush', '-passout', 'pass:hush']
    execFileSync('openssl', ['pkcs12', '-export', '-in', localCert, '-inkey', localKey, '-out', pfxFile, ...passwords])
    const [certFile, keyFile] = place(await issueForServer(authority, 'other.example.test'), 'other')
    const tls = {
      pfxFile,
      passphrase: 'hush',
      sni: { '*.example.test': { certFile, keyFile, passphrase: 'hush' } },
      maxVersion: 'TLSv1.2',
      ciphers: 'ECDHE-ECDSA-AES256-GCM-SHA384',
    }
    const config = { listeners: [{ transport: 'tls', port: 0, tls }] }
    const serving = xtomp('serve', '--config', fileOf(JSON.stringify(config)))
    await serving.program.prints('xtomp: STOMP over TLS on 127.0.0.1:')
    const port = Number(/TLS on 127\.0\.0\.1:(\d+)\n/.exec(serving.program.output)?.[1])
    for (const servername of ['localhost', 'other.example.test']) {
      const socket = connectTls({ host: '127.0.0.1', port, ca: authority.ca, servername })
      await once(socket, 'secureConnect')
      expect(socket.getPeerCertificate().subject.CN).toBe(servername)
      expect([socket.getProtocol(), socket.getCipher().name]).toEqual(['TLSv1.2', 'ECDHE-ECDSA-AES256-GCM-SHA384'])
      socket.destroy()
    }
  })

  test('serves everything at one port under TLS, too', async () => {
    const authority = await createAuthority()
    const folder = mkdtempSync(join(tmpdir(), 'xtomp-'))
    onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
    const [certFile, keyFile] = [join(folder, 'cert.pem'), join(folder, 'key.pem')]
    const { cert, key } = await issueForServer(authority)
    writeFileSync(certFile, cert)
    writeFileSync(keyFile, key)
    const config = { listeners: [{ transport: 'mux', port: 0, page: true, tls: { certFile, keyFile } }] }
    const serving = xtomp('serve', '--config', fileOf(JSON.stringify(config)))
    const port = await webPortOf(serving)
    expect(serving.program.output).toContain(`the page is https://127.0.0.1:${port}/\n`)
    const { ca } = authority
    for (const door of [
      dialTls({ host: '127.0.0.1', port }, { ca }),
      dialWebSocket(`wss://127.0.0.1:${port}/stomp`, { ca, origin: `https://127.0.0.1:${port}` }),
      dialSocket({ port, host: '127.0.0.1' }),
    ]) {
      const client = await WireClient.dial(door)
      onTestFinished(() => client.abort())
      await client.connect()
    }
  })

  test('takes nothing without TLS at one port where the configuration says so', async () => {
    const authority = await createAuthority()
    const folder = mkdtempSync(join(tmpdir(), 'xtomp-'))
    onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
    const [certFile, keyFile] = [join(folder, 'cert.pem'), join(folder, 'key.pem')]
    const { cert, key } = await issueForServer(authority)
    writeFileSync(certFile, cert)
    writeFileSync(keyFile, key)
    const config = {
      listeners: [{ transport: 'mux', port: 0, page: true, tls: { certFile, keyFile, required: true } }],
    }
    const port = await webPortOf(xtomp('serve', '--config', fileOf(JSON.stringify(config))))
    const secured = await WireClient.dial(dialTls({ host: '127.0.0.1', port }, { ca: authority.ca }))
    const plain = await WireClient.dial(dialSocket({ port, host: '127.0.0.1' }))
    for (const client of [secured, plain]) onTestFinished(() => client.abort())
    await secured.connect()
    plain.send('CONNECT', { 'accept-version': '1.2', host: '/' })
    await plain.error('tls-required')
  })

  test('says what is wrong with a file, and where, with exit code 1', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'xtomp-'))
    onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
    const file = join(folder, 'broker.json')
    writeFileSync(file, '{\n  "drainMs": "5"\n}\n')
    const { program } = xtomp('serve', '--config', file)
    expect(await program.exit()).toBe(1)
    expect(program.errors).toBe(`xtomp: ${file}:2:14: drainMs must be a whole number from 0 to 2147483647; given "5"\n`)
  })

  test('says in a line that an option is wrong, with exit code 2', async () => {
    const { program } = xtomp('serve', '--prot', '1')
    expect(await program.exit()).toBe(2)
    expect(program.errors).toBe("xtomp: unknown option '--prot'\n(Did you mean --port?)\n")
    expect(program.output).toBe('')
  })

  test('says in one line that the port is taken, with exit code 1', async () => {
    const other = createServer().listen(0, '127.0.0.1')
    onTestFinished(() => void other.close())
    await once(other, 'listening')
    const { port } = other.address() as { port: number }
    const { program } = xtomp('serve', '--port', String(port))
    expect(await program.exit()).toBe(1)
    expect(program.errors).toBe(
      `xtomp: another program listens on 127.0.0.1:${port}; --port N (npm start -- --port N) or XTOMP_PORT=N takes another port\n`,
    )
    expect(program.output).toBe('')
  })

  test('says of a port that the file alone gives where it stands', async () => {
    const other = createServer().listen(0, '127.0.0.1')
    onTestFinished(() => void other.close())
    await once(other, 'listening')
    const { port } = other.address() as { port: number }
    const { program } = xtomp('serve', '--config', fileOf(`listeners: [{ port: 0 }, { port: ${port} }]\n`))
    expect(await program.exit()).toBe(1)
    expect(program.errors).toBe(
      `xtomp: another program listens on 127.0.0.1:${port}; listeners[1].port in the configuration says which port it takes\n`,
    )
    // The other door was open for a moment: nobody was told of it.
    expect(program.output).toBe('')
  })

  test.each(['SIGTERM', 'SIGINT'] as const)(
    'drains at %s: deliveries may be settled, then it ends well',
    async (signal) => {
      const serving = xtomp('serve', '--port', '0', '--log-level', 'warn')
      const port = await portOf(serving)
      const worker = await working(port)
      const idle = await connected(port)
      serving.program.signal(signal)
      await serving.program.prints(`xtomp: draining for up to 5 s; ${signal} once more ends it at once\n`)
      // A connection may have been on its way.
      await eventually(() => expect(dial(port)).rejects.toMatchObject({ code: 'ECONNREFUSED' }))
      expect(idle.isClosed).toBe(false)
      await expectDrain(serving, worker)
      await idle.error('broker-closing')
      expect(await serving.program.exit()).toBe(0)
      expect(serving.program.errors).toBe('')
    },
  )

  test('takes a signal that comes twice at once as one, as with Ctrl-C below npm', async () => {
    const serving = xtomp('serve', '--port', '0')
    const worker = await working(await portOf(serving))
    serving.program.signal('SIGINT')
    await serving.program.prints('xtomp: draining')
    serving.program.signal('SIGINT')
    await expectDrain(serving, worker)
    expect(await serving.program.exit()).toBe(0)
  })

  test('ends at once when it is told a second time', async () => {
    const serving = xtomp('serve', '--port', '0')
    const { client } = await working(await portOf(serving))
    serving.program.signal('SIGTERM')
    await serving.program.prints('xtomp: draining')
    const { child, program } = serving
    await eventually(() => {
      program.signal('SIGTERM')
      expect(child.signalCode ?? child.exitCode).not.toBeNull()
    })
    // Not 0: the drain, which the client did nothing to end, was cut.
    expect(await program.exit()).toBe('SIGTERM')
    await client.expectClosed()
  })

  test('goes on and drains though nobody reads its lines any more', async () => {
    const serving = xtomp('serve', '--port', '0', '--log-level', 'warn')
    const port = await portOf(serving)
    serving.child.stdout?.destroy()
    const client = await connected(port)
    serving.program.signal('SIGTERM')
    await client.error('broker-closing')
    expect(await serving.program.exit()).toBe(0)
    expect(serving.program.errors).toBe('')
  })
})

if (!canSharePorts) console.log('no worker listens by itself: that needs Linux and Node 22.12')

/** The process that started this one. */
function parentOf(pid: number): number {
  return Number(/^PPid:\s+(\d+)$/m.exec(readFileSync(`/proc/${pid}/status`, 'latin1'))?.[1])
}

describe('xtomp serve --workers', { timeout: TIMEOUT_MS }, () => {
  /** The workers that have logged this. */
  const saying = ({ program }: Serving, text: string): number[] => {
    const lines = program.errors.split('\n').filter((line) => line.includes(text))
    return [...new Set(lines.map((line) => (JSON.parse(line) as { worker: number }).worker))].sort()
  }

  test('opens the doors once, says so once, names the worker in its log, and drains', async () => {
    const serving = xtomp('serve', '--port', '0', '--web-port', '0', '--workers', '2', '--log-level', 'debug')
    const port = await portOf(serving)
    const web = await webPortOf(serving)
    const clients = await Promise.all([dial(port), dial(port), dial(web), dial(web)])
    for (const client of clients) await client.connect()
    const [first, ...others] = clients as [WireClient, ...WireClient[]]
    for (const client of clients) await client.confirm('SUBSCRIBE', { id: '0', destination: '/topic/a' })
    await first.confirm('SEND', { destination: '/topic/a' }, 'one')
    for (const client of [first, ...others]) expect((await client.frame('MESSAGE')).text).toBe('one')
    await eventually(() => expect(saying(serving, 'connected')).toEqual([1, 2]))
    expect(serving.program.output.split('\n').filter((line) => line.includes('STOMP'))).toHaveLength(2)
    serving.program.signal('SIGTERM')
    for (const client of clients) await client.error('broker-closing')
    expect(await serving.program.exit()).toBe(0)
  })

  test('says before its doors are open which processes it is, the primary first, as bench --pid takes them', async () => {
    const serving = xtomp('serve', '--port', '0', '--web-port', 'off', '--workers', '2')
    await portOf(serving)
    const [, pids = ''] =
      /^xtomp: processes ([\d,]+): the primary and its workers\nxtomp: STOMP on /.exec(serving.program.output) ?? []
    const [primary, ...workers] = pids.split(',').map(Number)
    expect(primary).toBe(serving.child.pid)
    expect(new Set(workers).size).toBe(2)
    if (isLinux) for (const pid of workers) expect(parentOf(pid)).toBe(primary)
  })

  test('replaces the last worker though it ended at once, and tells the log which process took its place', async () => {
    const port = await freePort()
    const serving = xtomp('serve', '--port', String(port), '--web-port', 'off', '--workers', '1')
    await portOf(serving)
    const [, first] = /^xtomp: processes \d+,(\d+):/.exec(serving.program.output) ?? []
    process.kill(Number(first), 'SIGKILL')
    const gone = { level: 'warn', how: 'SIGKILL', msg: 'a worker is gone; another takes its place' }
    const ready = { level: 'info', pid: expect.any(Number), msg: 'a worker is ready' }
    const [, second] = (await logged(serving, 2)) as { pid: number }[]
    process.kill(second?.pid as number, 'SIGKILL')
    const told = await logged(serving, 4)
    expect(told).toMatchObject([gone, ready, gone, ready].map((line, at) => ({ ...line, worker: 1 + ((at + 1) >> 1) })))
    expect(new Set([Number(first), second?.pid, (told[3] as { pid: number }).pid]).size).toBe(3)
    await connected(port)
  })

  test('says in one line that the port is taken, with exit code 1, and leaves no process', async () => {
    const taken = createServer().listen(0, '127.0.0.1')
    await once(taken, 'listening')
    onTestFinished(() => void taken.close())
    const { port } = taken.address() as { port: number }
    const serving = xtomp('serve', '--port', String(port), '--web-port', 'off', '--workers', '2')
    expect(await serving.program.exit()).toBe(1)
    expect(serving.program.errors).toContain(`xtomp: another program listens on 127.0.0.1:${port}; --port N`)
  })

  const sharing = (port: number): string =>
    fileOf(
      JSON.stringify({
        listeners: [
          { port, reusePort: true },
          { transport: 'mux', port: port + 1, reusePort: true },
        ],
      }),
    )

  test.skipIf(!canSharePorts)('has each worker listen by itself where doors say so', async () => {
    const port = await freePort()
    const serving = xtomp('serve', '--config', sharing(port), '--workers', '2')
    expect(await portOf(serving)).toBe(port)
    await serving.program.prints(`127.0.0.1:${port + 1}`)
    const listening = [port, port + 1].map((at) => tcpSocketsAt(at).filter(({ isListening }) => isListening).length)
    expect(listening).toEqual([2, 2])
    const clients = [await connected(port), await connected(port + 1)]
    serving.program.signal('SIGTERM')
    for (const client of clients) await client.error('broker-closing')
    expect(await serving.program.exit()).toBe(0)
  })

  test.skipIf(canSharePorts)('says of each door that this Node shares no ports, with exit code 1', async () => {
    const serving = xtomp('serve', '--config', sharing(await freePort()), '--workers', '2')
    expect(await serving.program.exit()).toBe(1)
    const lines = serving.program.errors.split('\n').slice(0, -1)
    const says = `reusePort needs Node 22.12 or newer; this is ${process.versions.node}`
    expect(lines).toEqual([0, 1].map((at) => expect.stringContaining(`listeners[${at}].${says}`)))
  })

  test.skipIf(!canSharePorts)(
    'says in one line that workers cannot share any port that is free, with exit code 1',
    async () => {
      const serving = xtomp('serve', '--config', sharing(await freePort()), '--workers', '2', '--port', '0')
      expect(await serving.program.exit()).toBe(1)
      expect(serving.program.errors).toBe('xtomp: reusePort needs a port that all know, and 0 is another for each\n')
    },
  )

  test('replaces certificates in all workers at SIGHUP', async () => {
    const authority = await createAuthority()
    const folder = mkdtempSync(join(tmpdir(), 'xtomp-'))
    onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
    const [certFile, keyFile] = ['cert.pem', 'key.pem'].map((name) => join(folder, name)) as [string, string]
    const place = async (): Promise<void> => {
      const { cert, key } = await issueForServer(authority)
      writeFileSync(certFile, cert)
      writeFileSync(keyFile, key)
    }
    await place()
    const config = { listeners: [{ transport: 'tls', port: 0, tls: { certFile, keyFile } }], workers: 2 }
    const serving = xtomp('serve', '--config', fileOf(JSON.stringify(config)))
    await serving.program.prints('xtomp: STOMP over TLS on 127.0.0.1:')
    const port = Number(/TLS on 127\.0\.0\.1:(\d+)\n/.exec(serving.program.output)?.[1])
    const shown = async (): Promise<string> => {
      const socket = connectTls({ port, host: '127.0.0.1', ca: authority.ca })
      await once(socket, 'secureConnect')
      const { fingerprint256 } = socket.getPeerCertificate()
      socket.destroy()
      return fingerprint256
    }
    const before = await shown()
    await place()
    serving.program.signal('SIGHUP')
    await eventually(() => expect(saying(serving, 'certificates were read again')).toEqual([1, 2]))
    for (let times = 0; times < 4; times++) expect(await shown()).not.toBe(before)
  })
})

describe('through npm', { timeout: TIMEOUT_MS }, () => {
  const ways: [name: string, command: string[]][] = [
    ['npx xtomp serve', ['npx', 'xtomp', 'serve', '--port', '0']],
    ['npm start', ['npm', 'start', '--', '--port', '0']],
  ]

  test('npm start drains when npm is told to stop, whose shell passes nothing on', async () => {
    const serving = start('npm', 'start', '--', '--port', '0')
    const worker = await working(await portOf(serving))
    serving.program.signal('SIGTERM')
    await expectDrain(serving, worker)
    await serving.program.exit()
  })

  test.each(ways)('%s drains at Ctrl-C, which a terminal sends to all', async (_, [command = '', ...args]) => {
    const serving = start(command, ...args)
    const worker = await working(await portOf(serving))
    process.kill(-(serving.child.pid as number), 'SIGINT')
    await expectDrain(serving, worker)
    await serving.program.exit()
  })

  test('npm start says what to try, and that works', async () => {
    const serving = start('npm', 'start', '--', '--port', '0')
    const port = await portOf(serving)
    const line = await lineToTry(serving)
    expect(line).toContain(`| nc -q 1 127.0.0.1 ${port}`)
    const client = await dial(port)
    const shell = new RunningProgram(spawn('sh', ['-c', line.replace(/ \| nc .*/, '')]))
    client.write(await shell.ends())
    await client.frame('CONNECTED')
    expect((await client.frame('MESSAGE')).text).toBe('hello from nc')
  })

  test('npm start names the page, and a line each for Python and for Node that reaches whoever subscribes there', async () => {
    const serving = start('npm', 'start', '--', '--port', '0')
    const port = await portOf(serving)
    await lineToTry(serving)
    const { output } = serving.program
    const [, page = ''] = /^ {2}open (\S+) in two tabs/m.exec(output) ?? []
    expect(page).toBe(`http://127.0.0.1:${await webPortOf(serving)}/`)
    expect((await fetch(page)).status).toBe(200)
    const client = await connected(port)
    await client.confirm('SUBSCRIBE', { id: '0', destination: '/topic/hello' })
    for (const [program, word, command] of [
      ['node', 'Node', 'node'],
      ['python3', 'Python', pythonWithClient()],
    ] as const) {
      const [line = ''] = new RegExp(`(?<=^  )${program} .*$`, 'm').exec(output) ?? []
      expect(line).toContain(String(port))
      if (command === undefined) continue
      const shell = new RunningProgram(spawn('sh', ['-c', line.replace(program, command)], { cwd: join(root, 'test') }))
      await shell.ends()
      expect((await client.frame('MESSAGE')).text).toBe(`hello from ${word}`)
    }
  })
})

describe('what is said to try', { timeout: TIMEOUT_MS }, () => {
  const starting = (env: Record<string, string>, ...args: string[]) =>
    start(
      'env',
      ...Object.entries(env).map((pair) => pair.join('=')),
      process.execPath,
      'scripts/setup.mjs',
      'start',
      ...args,
    )

  test.each([
    ['a short option', {}, ['-p', '0']],
    ['an option', {}, ['--port=0']],
    ['a variable', { XTOMP_PORT: '0' }, []],
  ])('has the port of %s', async (_, env, args) => {
    const serving = starting(env, ...args)
    const port = await portOf(serving)
    expect(await lineToTry(serving)).toContain(`| nc -q 1 127.0.0.1 ${port}`)
  })

  test('has the port of a file, an address that can be dialled, and a place for the login that is asked for', async () => {
    const file = fileOf('listeners: [{ port: 0, host: 0.0.0.0 }]\nusers: [{ login: ann, passcode: b }]\n')
    const serving = starting({ XTOMP_CONFIG: file })
    const port = await portOf(serving)
    const line = await lineToTry(serving)
    expect(line).toContain(`| nc -q 1 127.0.0.1 ${port}`)
    expect(line).toContain('login:LOGIN\\npasscode:PASSCODE\\n')
  })

  test('has the UNIX socket where there is nothing else', async () => {
    const path = join(tmpdir(), `xtomp-${process.pid}.sock`)
    const serving = starting({}, '--config', fileOf(`listeners: [{ path: ${path} }]\n`))
    expect(await lineToTry(serving)).toContain(`| nc -q 1 -U ${path}`)
  })

  test('is nothing where no door was opened', async () => {
    const other = createServer().listen(0, '127.0.0.1')
    onTestFinished(() => void other.close())
    await once(other, 'listening')
    const { port } = other.address() as { port: number }
    const { program } = starting({ XTOMP_PORT: String(port) })
    expect(await program.exit()).toBe(1)
    expect(program.output).not.toContain('to try it')
    expect(program.errors).toContain('XTOMP_PORT=N takes another port')
  })
})

/** A Python that has its client; where all clients must be here, there has to be one. */
function pythonWithClient(): string | undefined {
  const python = pythonFor('import stomp')
  if (python === undefined && process.env.XTOMP_REQUIRE_INTEROP === '1') throw new Error('Python has no stomp.py')
  return python
}

/** The line that can be pasted into a shell. */
async function lineToTry({ program }: Serving): Promise<string> {
  await program.prints('Ctrl-C ends it.\n')
  return /^ {2}(printf .*)$/m.exec(program.output)?.[1] ?? ''
}

/** A configuration in a file of its own. */
function fileOf(text: string): string {
  const folder = mkdtempSync(join(tmpdir(), 'xtomp-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  const file = join(folder, 'broker.yaml')
  writeFileSync(file, text)
  return file
}
