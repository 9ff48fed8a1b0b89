/** A login that the transport has proved: what the hooks are told of it, and what CONNECT may say beside it. */

import { type BrokerOptions, type Connection, type Credentials, createBroker } from '@xtomp/core'
import { describe, expect, onTestFinished, test } from 'vitest'

/** A broker, and a client whose connection has proved a login; answers what the client was sent. */
function connect(options: BrokerOptions, headers: string, provenLogin: string | null = 'ann') {
  const broker = createBroker(options)
  onTestFinished(() => broker.close())
  let sent = ''
  const connection: Connection = {
    info: { transport: 'test' },
    provenLogin: provenLogin ?? undefined,
    send: (octets) => {
      sent += new TextDecoder().decode(octets)
      return true
    },
    pause: () => undefined,
    resume: () => undefined,
    close: () => setImmediate(() => inbound.closed()),
    abort: () => setImmediate(() => inbound.closed()),
  }
  const inbound = broker.accept(connection)
  inbound.receive(new TextEncoder().encode(`CONNECT\naccept-version:1.2\nhost:/\n${headers}\n\0`))
  const answered = async (): Promise<string> => {
    while (sent === '') await new Promise((resolve) => setImmediate(resolve))
    return sent
  }
  return { broker, answered }
}

describe('a proven login', () => {
  test('is the login that authenticate is asked about, with no passcode needed', async () => {
    const asked: unknown[] = []
    const hooks = {
      authenticate: ({ login, passcode, isProven }: Credentials) => asked.push([login, passcode, isProven]),
    }
    expect(await connect({ hooks }, '').answered()).toContain('CONNECTED')
    expect(await connect({ hooks }, 'login:ann\npasscode:x\n').answered()).toContain('CONNECTED')
    expect(await connect({ hooks }, 'login:\n').answered()).toContain('CONNECTED')
    expect(asked).toEqual([
      ['ann', undefined, true],
      ['ann', 'x', true],
      ['ann', undefined, true],
    ])
  })

  test('is refused where authenticate does not want it', async () => {
    expect(await connect({ hooks: { authenticate: () => false } }, '').answered()).toContain('code:auth-failed')
  })

  test('is the user where nobody is asked', async () => {
    const { broker, answered } = connect({}, '')
    expect(await answered()).toContain('CONNECTED')
    expect([...broker.sessions()].map(({ user }) => user)).toEqual(['ann'])
  })

  test('cannot be denied: another login in CONNECT is refused, and no hook is asked', async () => {
    const authenticate = (): never => {
      throw new Error('asked')
    }
    const answer = await connect({ hooks: { authenticate } }, 'login:bob\n').answered()
    expect(answer).toContain('code:auth-failed')
    expect(answer).toContain("this connection is ann's, whatever login CONNECT names")
  })

  test('is not claimed for a login that CONNECT alone names', async () => {
    const asked: unknown[] = []
    const hooks = {
      authenticate: ({ login, isProven }: Credentials) => asked.push([login, isProven]),
    }
    await connect({ hooks }, 'login:ann\npasscode:x\n', null).answered()
    expect(asked).toEqual([['ann', false]])
  })
})
