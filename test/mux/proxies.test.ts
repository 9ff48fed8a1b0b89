/** HAProxy and nginx before the port for all, as Debian has them: who is truly there, and that all goes through and ends. */

import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmod, writeFile } from 'node:fs/promises'
import { get, type IncomingMessage } from 'node:http'
import { connect } from 'node:net'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { dialWebSocket } from '../support/dial-web-socket.js'
import { dialSocket, dialTls, localhost } from '../support/doors.js'
import { folder } from '../support/listeners.js'
import { firstThatWorks, freePort } from '../support/programs.js'
import { until } from '../support/suite.js'
import { type Dial, WireClient } from '../support/wire-client.js'
import { opened, peersOf } from './opened.js'

/** Who is there: an address of this machine that is not the proxy's, and not trusted. */
const CLIENT = '127.0.0.2'
const PROXY = '127.0.0.1'
/** What a client says of itself, and nobody is to believe. */
const FORGED = { 'x-forwarded-for': '192.0.2.66' }

/** A proxy that is a program, and its configuration for what stands behind it. */
interface Program {
  readonly name: string
  readonly command: string | undefined
  readonly args: (file: string, folder: string) => string[]
  readonly configuration: (port: number, behind: number) => string
}

const haproxyCommand = firstThatWorks(['haproxy', '/usr/sbin/haproxy'], ['-v'])
const nginxCommand = firstThatWorks(['nginx', '/usr/sbin/nginx'], ['-v'])

const HAPROXY = { command: haproxyCommand, args: (file: string) => ['-db', '-f', file] }
const NGINX = { command: nginxCommand, args: (file: string, at: string) => ['-p', at, '-c', file, '-e', 'stderr'] }

function haproxy(options: string, sent: string): Program['configuration'] {
  return (port, behind) => `
    defaults
      ${options}
      timeout connect 5s
      timeout client 60s
      timeout server 60s
      timeout tunnel 60s
    listen all
      bind ${PROXY}:${port}
      server broker ${PROXY}:${behind} ${sent}
  `
}

function nginx(block: (port: number, behind: number) => string, before = ''): Program['configuration'] {
  return (port, behind) => `
    ${before}
    daemon off;
    pid nginx.pid;
    error_log stderr;
    events {}
    ${block(port, behind)}
  `
}

const byText: Program = {
  ...HAPROXY,
  name: 'HAProxy, send-proxy',
  configuration: haproxy('mode tcp', 'send-proxy'),
}
const byOctets: Program = {
  ...HAPROXY,
  name: 'HAProxy, send-proxy-v2 with all that it can add, and checks',
  configuration: haproxy('mode tcp', 'send-proxy-v2 proxy-v2-options unique-id,crc32c check inter 100ms'),
}
const byStream: Program = {
  ...NGINX,
  name: 'nginx, stream with proxy_protocol',
  configuration: nginx(
    (port, behind) => `
    stream {
      server {
        listen ${PROXY}:${port};
        proxy_pass ${PROXY}:${behind};
        proxy_protocol on;
      }
    }`,
    'load_module /usr/lib/nginx/modules/ngx_stream_module.so;',
  ),
}
const byHaproxyHttp: Program = {
  ...HAPROXY,
  name: 'HAProxy, http with forwardfor and a check of /health',
  configuration: haproxy('mode http\n      option forwardfor\n      option httpchk GET /health', 'check inter 100ms'),
}
const byNginxHttp: Program = {
  ...NGINX,
  name: 'nginx, http with X-Forwarded-For',
  configuration: nginx(
    (port, behind) => `
    http {
      access_log off;
      server {
        listen ${PROXY}:${port};
        location / {
          proxy_pass http://${PROXY}:${behind};
          proxy_http_version 1.1;
          proxy_set_header Upgrade $http_upgrade;
          proxy_set_header Connection "upgrade";
          proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
        }
      }
    }`,
  ),
}

/** How a client comes to a port, and what it is then. */
interface Way {
  readonly transport: string
  dial(port: number): Promise<Dial>
}

const plain: Way = {
  transport: 'tcp',
  dial: async (port) => dialSocket({ host: PROXY, port, localAddress: CLIENT }),
}
const secured: Way = {
  transport: 'tls',
  dial: async (port) => dialTls({ host: PROXY, port, localAddress: CLIENT }, { ca: (await localhost()).ca }),
}
const webSocket: Way = {
  transport: 'ws',
  dial: async (port) => dialWebSocket(`ws://${PROXY}:${port}/stomp`, { localAddress: CLIENT, headers: FORGED }),
}
const securedWebSocket: Way = {
  transport: 'wss',
  dial: async (port) => {
    const { ca } = await localhost()
    return dialWebSocket(`wss://${PROXY}:${port}/stomp`, { ca, localAddress: CLIENT, headers: FORGED })
  },
}

const proxies: readonly { readonly program: Program; readonly ways: readonly Way[] }[] = [
  { program: byText, ways: [plain, secured, webSocket, securedWebSocket] },
  { program: byOctets, ways: [plain, secured, webSocket, securedWebSocket] },
  { program: byStream, ways: [plain, secured, webSocket, securedWebSocket] },
  { program: byHaproxyHttp, ways: [webSocket] },
  { program: byNginxHttp, ways: [webSocket] },
]

const rows = proxies.flatMap(({ program, ways }) => ways.map((way) => ({ program, way, name: program.name, ...way })))

describe.each(rows)('$transport by way of $name', ({ program, way }) => {
  test('comes from whom the proxy says, and ends with either side', async ({ skip }) => {
    if (program.command === undefined) {
      expect(process.env.XTOMP_REQUIRE_INTEROP, `${program.name} is missing`).not.toBe('1')
      skip(`${program.name} is missing`)
    }
    const { server } = await localhost()
    const { broker, listener } = await opened({ tls: server, proxy: { trust: [PROXY] } })
    const port = await started(program, listener.port ?? 0)
    const one = await WireClient.dial(await way.dial(port))
    onTestFinished(() => one.abort())
    await one.connect()
    const [peer] = peersOf(broker).filter(({ proxyAddress }) => proxyAddress !== undefined)
    expect(peer).toMatchObject({ transport: way.transport, remoteAddress: CLIENT, proxyAddress: PROXY })
    await one.confirm('SUBSCRIBE', { id: '0', destination: '/topic/a' })
    one.send('SEND', { destination: '/topic/a' }, 'x'.repeat(100_000))
    expect((await one.frame('MESSAGE')).text).toHaveLength(100_000)
    const other = await WireClient.dial(await way.dial(port))
    await other.connect()
    other.abort()
    await until(() => broker.stats().subscriptions === 1 && peersOf(broker).length === 1, 'the end of the other')
    await Promise.all([broker.close(), one.error('broker-closing')])
  })
})

describe.each([byHaproxyHttp, byNginxHttp])('requests by way of $name', (program) => {
  test('are answered', async ({ skip }) => {
    if (program.command === undefined) {
      expect(process.env.XTOMP_REQUIRE_INTEROP, `${program.name} is missing`).not.toBe('1')
      skip(`${program.name} is missing`)
    }
    const { listener } = await opened({ proxy: { trust: [PROXY] } })
    const port = await started(program, listener.port ?? 0)
    const asked = get({ host: PROXY, port, path: '/health', agent: false })
    const [response] = (await once(asked, 'response')) as [IncomingMessage]
    expect([response.statusCode, (await response.toArray()).join('')]).toEqual([200, expect.stringContaining('"ok"')])
  })
})

/** Starts it before what listens at a port; answers its own. */
async function started({ command = '', args, configuration }: Program, behind: number): Promise<number> {
  const at = await folder()
  // Its workers are nobody's.
  await chmod(at, 0o755)
  const port = await freePort()
  const file = join(at, 'proxy.conf')
  await writeFile(file, `${configuration(port, behind)}\n`)
  const child = spawn(command, args(file, at), { stdio: ['ignore', 'ignore', 'pipe'] })
  let said = ''
  child.stderr.on('data', (octets: Buffer) => {
    said += octets
  })
  const ended = once(child, 'close')
  onTestFinished(async () => {
    child.kill('SIGTERM')
    await ended
  })
  while (!(await isOpen(port))) if (hasEnded(child)) throw new Error(`it ended: ${said}`)
  return port
}

function hasEnded({ exitCode, signalCode }: ChildProcess): boolean {
  return exitCode !== null || signalCode !== null
}

async function isOpen(port: number): Promise<boolean> {
  const socket = connect({ host: PROXY, port })
  try {
    await once(socket, 'connect')
    return true
  } catch {
    return false
  } finally {
    socket.destroy()
  }
}
