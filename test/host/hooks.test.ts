/** Hooks: what each is asked, in which order, and what comes of its answers. */

import { inspect } from 'node:util'
import { type AccessRequest, type Broker, type Hooks, type Message, Refusal } from '@xtomp/core'
import { expect } from 'vitest'
import { Heard } from '../support/heard.js'
import { later } from '../support/later.js'
import { type Env, overMemory } from '../support/suite.js'
import { turn } from '../support/variants.js'
import { frameText, type WireClient } from '../support/wire-client.js'

const DESTINATION = '/topic/judged'

type Asked = Exclude<keyof Hooks, 'deliver'>

/** Where a hook is asked: the frame, the answer that allows, those that refuse, and the code of that. */
interface Place {
  readonly command: 'CONNECT' | 'SUBSCRIBE' | 'SEND'
  readonly allows: readonly unknown[]
  readonly refuses: readonly unknown[]
  readonly code: string
}

const places: { readonly [Hook in Asked]: Place } = {
  authenticate: {
    command: 'CONNECT',
    allows: ['ann', { name: 'ann' }, 7],
    // Whatever is not a user: what a check of an empty passcode answers, too.
    refuses: [false, null, undefined, 0, ''],
    code: 'auth-failed',
  },
  connect: { command: 'CONNECT', allows: [true, undefined], refuses: [false], code: 'access-refused' },
  // Only true allows: what a host forgot to answer is no permission.
  authorize: {
    command: 'SEND',
    allows: [true],
    refuses: [false, undefined, null, 1, 'true', {}],
    code: 'access-refused',
  },
  subscribe: { command: 'SUBSCRIBE', allows: [true, undefined], refuses: [false], code: 'access-refused' },
  send: { command: 'SEND', allows: [true, undefined], refuses: [false], code: 'access-refused' },
}

/** What carries an answer: given now, promised, or in somebody else's promise. */
const carriers: readonly ((answer: unknown) => unknown)[] = [
  (answer) => answer,
  (answer) => Promise.resolve(answer),
  (answer) => turn().then(() => answer),
  (answer) => Object.fromEntries([['then', (use: (value: unknown) => void) => use(answer)]]),
]

/** Opens a broker in which one hook answers what `answer` makes. */
async function judging({ open }: Env, hook: Asked, answer: () => unknown) {
  const broker = await open({ hooks: { [hook]: answer } as Hooks })
  return { broker, heard: new Heard(broker) }
}

/** A client that has just sent the frame which a hook judges. */
async function judged({ client, connect }: Env, { command }: Place): Promise<WireClient> {
  if (command === 'CONNECT') {
    const fresh = await client()
    fresh.send('CONNECT', { 'accept-version': '1.2', host: 'a', login: 'ann', passcode: 'sesame' })
    return fresh
  }
  const known = await connect()
  known.send(command, { destination: DESTINATION, ...(command === 'SUBSCRIBE' ? { id: '0' } : {}), receipt: 'r' })
  return known
}

for (const [name, place] of Object.entries(places)) {
  const hook = name as Asked
  const { command, allows, refuses, code } = place
  overMemory(`the hook ${hook}`, (test) => {
    test(`lets ${command} pass, answering now or later`, async (env) => {
      let answer: unknown
      await judging(env, hook, () => answer)
      for (const carry of carriers) {
        for (const value of allows) {
          answer = carry(value)
          const client = await judged(env, place)
          await client.frame(command === 'CONNECT' ? 'CONNECTED' : 'RECEIPT')
        }
      }
    })

    test(`refuses ${command} with ${code}, answering now or later`, async (env) => {
      let answer: unknown
      const { heard } = await judging(env, hook, () => answer)
      for (const carry of carriers) {
        for (const value of refuses) {
          answer = carry(value)
          const client = await judged(env, place)
          await client.error(code, command === 'CONNECT' ? {} : { 'receipt-id': 'r' })
        }
      }
      expect(heard.of('error')).toEqual([])
    })

    test('refuses with a code and a text of its own by a Refusal, which is no fault', async (env) => {
      const refusal = new Refusal('account-suspended', 'pay your bill first')
      let throws = (): unknown => Promise.reject(refusal)
      const { heard } = await judging(env, hook, () => throws())
      for (let again = 0; again < 2; again++) {
        const client = await judged(env, place)
        const error = await client.error('account-suspended', { message: 'account suspended' })
        expect(error.text).toContain('pay your bill first')
        throws = () => {
          throw refusal
        }
      }
      expect(heard.of('error')).toEqual([])
      expect(heard.of('disconnect').map(({ reason }) => reason)).toEqual(
        command === 'CONNECT' ? [] : new Array(2).fill({ code: 'account-suspended', message: 'pay your bill first' }),
      )
    })

    test('refuses with hook-failed for a Refusal whose code is no word, and tells its host so', async (env) => {
      const refuse = (): never => {
        throw new Refusal(403 as unknown as string, 'pay your bill first')
      }
      let throws = (): unknown => refuse()
      const { heard } = await judging(env, hook, () => throws())
      for (let again = 0; again < 2; again++) {
        const client = await judged(env, place)
        await client.error('hook-failed')
        throws = async () => refuse()
      }
      expect(heard.of('error').map(({ error }) => error)).toEqual(env.faults.splice(0))
      expect(String(heard.of('error')[1]?.error)).toBe('TypeError: a code must be a word; given 403')
    })

    test('refuses with hook-failed when it throws, and tells its host alone why', async (env) => {
      const failure = new Error('the pantry is on fire')
      let throws = (): unknown => Promise.reject(failure)
      const { heard } = await judging(env, hook, () => throws())
      for (let again = 0; again < 2; again++) {
        const client = await judged(env, place)
        const error = await client.error('hook-failed')
        expect(new TextDecoder().decode(error.raw)).not.toMatch(/pantry|fire|at |\.ts/)
        throws = () => {
          throw failure
        }
      }
      const told = { error: failure, during: `hook ${hook}` }
      expect(heard.of('error')).toEqual([told, told])
      expect(env.faults.splice(0)).toEqual([failure, failure])
    })

    test('keeps the next frame waiting until it answers, and nobody else', async (env) => {
      const waiting: ((answer: unknown) => void)[] = []
      await judging(env, hook, () => new Promise((resolve) => waiting.push(resolve)))
      const client = await judged(env, place)
      client.send('BEGIN', { transaction: 't', receipt: 'next' })
      await env.until(() => waiting.length === 1)
      const other = await env.client()
      other.send('CONNECT', { 'accept-version': '1.2', host: 'a' })
      if (command === 'CONNECT') await env.until(() => waiting.length === 2)
      else await other.frame('CONNECTED')
      expect(client.received).toEqual([])
      waiting.shift()?.(allows[0])
      await client.frame(command === 'CONNECT' ? 'CONNECTED' : 'RECEIPT')
      await client.frame('RECEIPT', { 'receipt-id': 'next' })
    })

    for (const settle of ['resolve', 'reject'] as const) {
      test(`finds nobody to answer when its session is over, and may ${settle} without harm`, async (env) => {
        const answer = later<unknown>()
        const asked = later()
        const { broker, heard } = await judging(env, hook, () => {
          asked.resolve()
          return answer.promise
        })
        const client = await judged(env, place)
        await asked.promise
        await broker.close()
        await client.error('broker-closing')
        const told = heard.names.length
        answer[settle](settle === 'resolve' ? allows[0] : new Error('too late'))
        await turn()
        expect(broker.stats()).toMatchObject({ sessions: 0, subscriptions: 0, messages: 0, bytes: 0 })
        // What a hook throws is its host's fault, whenever it does.
        expect(heard.names.slice(told)).toEqual(settle === 'resolve' ? [] : ['error'])
        expect(env.faults.splice(0).map(String)).toEqual(settle === 'resolve' ? [] : ['Error: too late'])
      })
    }
  })
}

/** A hook that is asked about every message, and thinks of the one that says `last`. */
function thinkingOfTheLast() {
  const answer = later()
  const asked: string[] = []
  const hooks: Hooks = {
    send: async (message) => {
      asked.push(message.text())
      if (message.text() === 'last') await answer.promise
    },
  }
  return { answer, asked, hooks }
}

/** What one after another was asked and told, as `name` or `name what`. */
function noting(notes: string[]): Hooks {
  const note = (name: string) => () => {
    notes.push(name)
    return true
  }
  return {
    authenticate: () => note('authenticate')() && 'ann',
    connect: note('connect'),
    authorize: ({ action }) => note(`authorize ${action}`)(),
    subscribe: note('subscribe'),
    send: note('send'),
    deliver: note('deliver'),
  }
}

/** A transport that notes down when it is told to stop reading, and to read again. */
function readingOf(broker: Broker) {
  const notes: string[] = []
  const inbound = broker.accept({
    info: { transport: 'notes' },
    send: () => true,
    pause: () => notes.push('pause'),
    resume: () => notes.push('resume'),
    close: () => inbound.closed(),
    abort: () => inbound.closed(),
  })
  return { notes, inbound, write: (text: string) => inbound.receive(new TextEncoder().encode(text)) }
}

overMemory('hooks', (test) => {
  test('are asked in the order that is promised, before the events tell of it', async ({ open, connect }) => {
    const notes: string[] = []
    const broker = await open({ hooks: noting(notes) })
    for (const event of ['connect', 'subscribe', 'send'] as const) broker.on(event, () => notes.push(`(${event})`))
    const client = await connect()
    expect(notes.splice(0)).toEqual(['authenticate', 'connect', '(connect)'])
    await client.confirm('SUBSCRIBE', { id: '0', destination: DESTINATION })
    expect(notes.splice(0)).toEqual(['authorize subscribe', 'subscribe', '(subscribe)'])
    await client.confirm('SEND', { destination: DESTINATION }, 'x')
    await client.frame('MESSAGE')
    expect(notes.splice(0)).toEqual(['authorize send', 'send', 'deliver', '(send)'])
  })

  test('are not asked once one before them has refused', async ({ open, client, connect }) => {
    const notes: string[] = []
    let isKnown: unknown = false
    await open({ hooks: { ...noting(notes), authenticate: () => isKnown, authorize: () => false } })
    const stranger = await client()
    stranger.send('CONNECT', { 'accept-version': '1.2', host: 'a' })
    await stranger.error('auth-failed')
    expect(notes).toEqual([])
    isKnown = 'ann'
    const one = await connect()
    one.send('SEND', { destination: DESTINATION })
    await one.error('access-refused')
    const other = await connect()
    other.send('SUBSCRIBE', { destination: DESTINATION, id: '0' })
    await other.error('access-refused')
    expect(notes).toEqual(['connect', 'connect'])
  })

  test('leave nothing behind of what they refuse', async ({ open, connect }) => {
    const broker = await open({ hooks: { authorize: () => turn().then(() => false) } })
    for (const destination of ['/queue/forbidden', '/topic/forbidden']) {
      for (const command of ['SUBSCRIBE', 'SEND']) {
        const client = await connect()
        client.send(command, { destination, id: '0' }, command === 'SEND' ? 'x' : '')
        await client.error('access-refused')
      }
    }
    expect(broker.stats()).toMatchObject({ subscriptions: 0, destinations: 0, messages: 0, bytes: 0 })
  })

  test('are asked as methods of their object', async ({ open, connect }) => {
    class Judge implements Hooks {
      readonly asked: string[] = []
      authorize({ action }: AccessRequest<unknown>) {
        return this.asked.push(action) > 0
      }
      deliver() {
        this.asked.push('deliver')
      }
    }
    const hooks = new Judge()
    await open({ hooks })
    const client = await connect()
    await client.confirm('SUBSCRIBE', { id: '0', destination: DESTINATION })
    client.send('SEND', { destination: DESTINATION })
    await client.frame('MESSAGE')
    expect(hooks.asked).toEqual(['subscribe', 'send', 'deliver'])
  })

  test('pause the connection while they think, once for as long as any does', async ({ open, until }) => {
    const answers: (() => void)[] = []
    const think = () => new Promise<boolean>((resolve) => answers.push(() => resolve(true)))
    const broker = await open({ hooks: { authorize: think, send: think } })
    const { notes, inbound, write } = readingOf(broker)
    write('CONNECT\naccept-version:1.2\nhost:a\n\n\0')
    expect(notes).toEqual([])
    write(`SEND\ndestination:${DESTINATION}\n\n\0`)
    expect(notes).toEqual(['pause'])
    // What the transport had read before it was told to stop waits, too.
    write(`SEND\ndestination:${DESTINATION}\n\n\0`)
    for (let answered = 0; answered < 2; answered++) {
      await until(() => answers.length === 1)
      expect(notes).toEqual(['pause'])
      answers.shift()?.()
    }
    await until(() => answers.length === 1)
    expect(notes).toEqual(['pause', 'resume', 'pause'])
    answers.shift()?.()
    await until(() => answers.length === 1)
    answers.shift()?.()
    await until(() => notes.length === 4)
    expect(notes).toEqual(['pause', 'resume', 'pause', 'resume'])
    inbound.closed()
  })

  test('are never asked about what the host itself publishes and subscribes to', async ({ open, until }) => {
    const notes: string[] = []
    const broker = await open({ hooks: noting(notes) })
    const got: string[] = []
    for (const destination of [DESTINATION, '/queue/own']) {
      broker.subscribe(destination, {}, ({ message }) => got.push(message.text()))
      broker.publish(destination, 'x')
      await broker.publishConfirmed(destination, 'y')
    }
    await until(() => got.length === 4)
    expect(notes).toEqual([])
  })

  test('show the user and the session to whatever is asked or told later', async ({ open, connect }) => {
    const ann = { name: 'ann' }
    const seen = new Set<unknown>()
    const sessions = new Set<string>()
    const see = ({ user, session }: { user: unknown; session: { id: string; user: unknown } }) => {
      seen.add(user).add(session.user)
      sessions.add(session.id)
      return true
    }
    const broker = await open({
      hooks: {
        authenticate: async () => ann,
        connect: see,
        authorize: see,
        subscribe: see,
        send: (_, context) => see(context),
        deliver: (_, context) => see(context),
      },
    })
    const heard = new Heard(broker)
    const client = await connect({ host: 'somewhere' })
    await client.confirm('SUBSCRIBE', { id: '0', destination: DESTINATION })
    await client.confirm('SEND', { destination: DESTINATION }, 'x')
    await client.frame('MESSAGE')
    await client.disconnect()
    for (const name of ['connect', 'subscribe', 'send', 'disconnect'] as const)
      for (const { session } of heard.of(name)) see({ user: session.user, session })
    expect([...seen]).toEqual([ann])
    expect(sessions.size).toBe(1)
    expect(heard.of('send')[0]?.session).toMatchObject({ version: '1.2', host: 'localhost', user: ann })
  })

  test('are told of a session what is known of it by then', async ({ open, connect }) => {
    const told: unknown[] = []
    await open({
      hooks: {
        authenticate: ({ login, passcode, host, headers, connection }) => {
          told.push({ login, passcode, host, headers: headers.toJSON(), connection })
          return 'ann'
        },
        connect: ({ session: { version, user, host } }) => {
          told.push({ version, user, host })
        },
        authorize: ({ session: { version } }) => told.push(version) > 0,
      },
    })
    const client = await connect({ login: 'ann', passcode: 'sesame', colour: 'blue' }, '1.1')
    client.send('SEND', { destination: DESTINATION })
    await client.expectNothing()
    expect(told).toEqual([
      {
        login: 'ann',
        passcode: 'sesame',
        host: 'localhost',
        headers: { 'accept-version': '1.1', host: 'localhost', login: 'ann', colour: 'blue' },
        connection: { transport: 'memory' },
      },
      { version: undefined, user: 'ann', host: 'localhost' },
      '1.1',
    ])
  })

  test('see the passcode in authenticate, which nobody else ever does', async ({ open, client, connect, faults }) => {
    const asked: unknown[] = []
    let isBroken = true
    const keep = (request: unknown) => asked.push(request) > 0
    const broker = await open({
      hooks: {
        authenticate: ({ passcode }) => {
          if (isBroken) throw new Error('no table of users')
          return passcode === 'sesame' && { name: 'ann' }
        },
        connect: keep,
        authorize: keep,
        send: (...judged) => keep(judged),
      },
    })
    const heard = new Heard(broker)
    const frames: Uint8Array[] = []
    for (const code of ['hook-failed', 'auth-failed']) {
      const stranger = await client()
      stranger.send('CONNECT', {
        'accept-version': '1.2',
        host: 'a',
        login: 'ann',
        passcode: isBroken ? 'sesame' : 'sesame2',
      })
      frames.push((await stranger.error(code)).raw)
      isBroken = false
    }
    // Nor does a part of it leak that is no header, for want of a colon or for an octet that is not UTF-8.
    for (const line of ['passcode:a\nsesame4', 'passcodesesame5', 'passcode:sesame6\xff']) {
      const clumsy = await client()
      clumsy.write(Buffer.from(`CONNECT\naccept-version:1.2\n${line}\n\n\0`, 'latin1'))
      const error = await clumsy.frame('ERROR')
      expect(error.text).toMatch(/number [23]/)
      frames.push(error.raw)
      await clumsy.expectClosed()
    }
    for (const line of ['CONNECT passcode:sesame7', 'STOMP sesame8', 'passcode:sesame9']) {
      const clumsy = await client()
      clumsy.write(`${line}\n\n\0`)
      frames.push((await clumsy.error('bad-command')).raw)
    }
    // Nor of a second CONNECT.
    for (const line of ['passcode sesame10', 'passcode:\\sesame11', 'passcode:sesame12\xff']) {
      const other = await connect({ login: 'ann', passcode: 'sesame' })
      other.write(Buffer.from(`CONNECT\n${line}\n\n\0`, 'latin1'))
      frames.push((await other.frame('ERROR')).raw)
      await other.expectClosed()
    }
    // The first one counts; the rest must not leak, either.
    const ann = await connect([
      ['login', 'ann'],
      ['passcode', 'sesame'],
      ['passcode', 'sesame3'],
    ])
    await ann.confirm('SEND', { destination: DESTINATION }, 'x')
    await ann.disconnect()
    const others = Array.from({ length: 3 }, () => ['connect', 'disconnect']).flat()
    expect(heard.names).toEqual(['error', ...others, 'connect', 'send', 'disconnect'])
    expect(asked).toHaveLength(6)
    const shown = inspect([asked, heard, ...heard.names.map((name) => heard.of(name)), faults.splice(0)], {
      depth: 20,
      showHidden: true,
    })
    expect(shown + frames.map((raw) => new TextDecoder().decode(raw)).join()).not.toContain('sesame')
  })
})

overMemory('the hook authorize', (test) => {
  test('is told what is wanted, where, and whether that is a pattern', async ({ open, connect }) => {
    const wanted: unknown[] = []
    await open({
      hooks: {
        authorize: ({ action, destination, isPattern }) => wanted.push({ action, destination, isPattern }) > 0,
      },
    })
    const client = await connect()
    for (const destination of ['/topic/a', '/queue/a', '/topic/*', '/topic/a.**', '/topic/a*b'])
      await client.confirm('SUBSCRIBE', { id: destination, destination })
    await client.confirm('SEND', { destination: '/queue/b' })
    expect(wanted).toEqual([
      { action: 'subscribe', destination: '/topic/a', isPattern: false },
      { action: 'subscribe', destination: '/queue/a', isPattern: false },
      { action: 'subscribe', destination: '/topic/*', isPattern: true },
      { action: 'subscribe', destination: '/topic/a.**', isPattern: true },
      { action: 'subscribe', destination: '/topic/a*b', isPattern: false },
      { action: 'send', destination: '/queue/b', isPattern: false },
    ])
  })
})

overMemory('the hook subscribe', (test) => {
  test('is told all of the subscription, with the id that stands for it in 1.0', async ({ open, connect }) => {
    const asked: unknown[] = []
    await open({
      hooks: {
        subscribe: ({ id, destination, ackMode, headers }) => {
          asked.push({ id, destination, ackMode, colour: headers.get('colour') })
        },
      },
    })
    const modern = await connect()
    await modern.confirm('SUBSCRIBE', { id: 'x', destination: '/topic/a', ack: 'client', colour: 'blue' })
    const old = await connect({}, '1.0')
    await old.confirm('SUBSCRIBE', { destination: '/topic/b' })
    expect(asked).toEqual([
      { id: 'x', destination: '/topic/a', ackMode: 'client', colour: 'blue' },
      { id: '/topic/b', destination: '/topic/b', ackMode: 'auto', colour: undefined },
    ])
  })

  test('finds the id taken that a frame before it was still asking for', async ({ open, connect }) => {
    await open({ hooks: { subscribe: () => turn() } })
    const client = await connect()
    for (let twice = 0; twice < 2; twice++) client.send('SUBSCRIBE', { id: 'x', destination: '/topic/a' })
    await client.error('subscription-duplicate')
  })
})

overMemory('the hook send', (test) => {
  test('may change the headers and the body, now or later', async ({ open, connect, topic }) => {
    const destination = topic('changed')
    await open({
      hooks: {
        send: (message, { user }) => {
          const changed = message.with({
            headers: { 'sent-by': String(user), colour: 'red', destination: '/topic/other', 'message-id': 'forged' },
            body: `<${message.text()}>`,
          })
          return message.headers.has('late') ? turn().then(() => changed) : changed
        },
      },
    })
    const client = await connect()
    await client.confirm('SUBSCRIBE', { id: '0', destination })
    for (const headers of [{}, { late: 'yes' }]) {
      client.send('SEND', { destination, colour: 'blue', size: '3', ...headers }, 'grüße')
      const { headers: got, text } = await client.frame('MESSAGE', { destination, colour: 'red', size: '3' })
      expect(text).toBe('<grüße>')
      expect(got).toMatchObject({ 'sent-by': 'undefined', 'content-length': '9' })
      expect(got['message-id']).not.toBe('forged')
    }
  })

  test('may change the body alone, or the headers alone', async ({ open, connect, topic }) => {
    const destination = topic('half')
    await open({
      hooks: {
        send: (message) =>
          message.headers.has('keep')
            ? message.with({ headers: [['added', '1']] })
            : message.with({ body: new Uint8Array([0, 1, 2]) }),
      },
    })
    const client = await connect()
    await client.confirm('SUBSCRIBE', { id: '0', destination })
    client.send('SEND', { destination, keep: 'body' }, 'one')
    expect((await client.frame('MESSAGE', { keep: 'body', added: '1' })).text).toBe('one')
    client.send('SEND', { destination, colour: 'blue' }, 'two')
    expect([...(await client.frame('MESSAGE', { colour: 'blue' })).body]).toEqual([0, 1, 2])
  })

  test('judges what a transaction holds when it comes, not when it is committed', async ({ open, connect, queue }) => {
    const judged: string[] = []
    const destination = queue('held')
    const broker = await open({
      hooks: {
        send: async (message) => {
          judged.push(message.text())
          await turn()
          return message.text() !== 'bad' && message.with({ body: `${message.text()}!` })
        },
      },
    })
    const client = await connect()
    await client.confirm('BEGIN', { transaction: 't' })
    await client.confirm('SEND', { destination, transaction: 't' }, 'good')
    expect(judged).toEqual(['good'])
    await client.confirm('COMMIT', { transaction: 't' })
    expect(judged).toEqual(['good'])
    expect(broker.stats().messages).toBe(1)
    await client.confirm('SUBSCRIBE', { id: '0', destination })
    expect((await client.frame('MESSAGE')).text).toBe('good!')
    await client.confirm('BEGIN', { transaction: 'u' })
    client.send('SEND', { destination, transaction: 'u' }, 'bad')
    await client.error('access-refused')
  })

  test('lets nothing more be handed to a client that is gone, however long it thinks of its last frame', async ({
    open,
    connect,
    queue,
    until,
  }) => {
    const { answer, asked, hooks } = thinkingOfTheLast()
    const destination = queue('work')
    const broker = await open({ hooks })
    const gone = await connect()
    await gone.confirm('SUBSCRIBE', { id: '0', destination })
    gone.send('SEND', { destination: '/topic/a' }, 'last')
    await until(() => asked.length === 1)
    gone.abort()
    await gone.closed
    const other = await connect()
    await other.confirm('SEND', { destination }, 'task')
    expect(broker.stats().messages).toBe(1)
    answer.resolve()
    await until(() => broker.stats().sessions === 1)
    await other.confirm('SUBSCRIBE', { id: '0', destination })
    const { text, headers } = await other.frame('MESSAGE')
    expect([text, headers.redelivered]).toEqual(['task', undefined])
  })

  test('finds no client too slow that is gone, however long it thinks of its last frame', async ({
    open,
    connect,
    topic,
    until,
  }) => {
    const { answer, asked, hooks } = thinkingOfTheLast()
    const slow: unknown[] = []
    const destination = topic('news')
    const broker = await open({
      destinations: [{ match: destination, backlogBytes: 1 }],
      hooks,
    })
    broker.on('slow-consumer', (event) => slow.push(event))
    const gone = await connect()
    await gone.confirm('SUBSCRIBE', { id: '0', destination })
    const elsewhere = topic('elsewhere')
    gone.write(`SEND\ndestination:${elsewhere}\n\nlast\0SEND\ndestination:${elsewhere}\n\nbehind it\0`)
    await until(() => asked.length === 1)
    gone.abort()
    await gone.closed
    for (const body of ['one', 'two', 'three']) broker.publish(destination, body)
    answer.resolve()
    await until(() => broker.stats().sessions === 0)
    expect([slow, asked]).toEqual([[], ['last', 'behind it']])
  })

  test('is asked for what was received before its peer had gone', async ({ open, connect, queue, until }) => {
    const answer = later()
    let isAsked = false
    const destination = queue('last')
    const broker = await open({
      hooks: {
        send: async () => {
          isAsked = true
          await answer.promise
        },
      },
    })
    const client = await connect()
    client.write(['one', 'two'].map((body) => frameText('SEND', { destination }, body)).join(''))
    await until(() => isAsked)
    client.abort()
    await client.closed
    answer.resolve()
    await until(() => broker.stats().sessions === 0)
    expect(broker.stats().messages).toBe(2)
  })

  test('sends nothing for a session that was cut while it thought', async ({ open, connect, topic, queue, until }) => {
    const answer = later()
    let isAsked = false
    const noisy = topic('noisy')
    const destination = queue('never')
    const broker = await open({
      limits: { unsentBytes: 1_000 },
      destinations: [{ match: noisy, backlogBytes: 1_000 }],
      hooks: {
        send: async () => {
          isAsked = true
          await answer.promise
        },
      },
    })
    const heard = new Heard(broker)
    const client = await connect()
    await client.confirm('SUBSCRIBE', { id: '0', destination: noisy })
    client.pause()
    client.send('SEND', { destination }, 'late')
    await until(() => isAsked)
    const large = new Uint8Array(100_000)
    for (let sent = 0; sent < 4; sent++) {
      broker.publish(noisy, large)
      await turn()
    }
    expect(heard.of('disconnect').map(({ reason }) => reason.code)).toEqual(['slow-consumer'])
    answer.resolve()
    await turn()
    expect(broker.stats().messages).toBe(0)
    client.resume()
    await client.closed
  })
})

overMemory('the hook deliver', (test) => {
  test('skips a subscription of a topic, and shows it another message, without harm to the rest', async ({
    open,
    connect,
    topic,
  }) => {
    const destination = topic('shown')
    const broker = await open({
      hooks: {
        authenticate: ({ login }) => login,
        deliver: (message, { user, subscription, session }) => {
          expect(session.user).toBe(user)
          if (user === 'blind') return false
          return user === 'child' ? message.with({ body: `***${subscription}`, headers: { cut: 'yes' } }) : undefined
        },
      },
    })
    const clients = []
    for (const login of ['ann', 'blind', 'child', 'bob']) {
      const client = await connect({ login })
      await client.confirm('SUBSCRIBE', { id: `of-${login}`, destination })
      clients.push(client)
    }
    const [ann, blind, child, bob] = clients as [WireClient, WireClient, WireClient, WireClient]
    broker.publish(destination, 'plain')
    await ann.confirm('SEND', { destination }, 'plain')
    for (const client of [ann, bob])
      for (const message of await client.messages(2)) {
        expect(message.text).toBe('plain')
        expect(message.headers.cut).toBeUndefined()
      }
    for (const message of await child.messages(2)) expect(message.text).toBe('***of-child')
    await blind.expectNothing()
  })

  test('acknowledges what it skips of a queue, which frees the place of the next', async ({ open, connect, queue }) => {
    const destination = queue('skipped')
    const broker = await open({ hooks: { deliver: (message) => message.text() !== 'bad' } })
    for (const ack of ['auto', 'client', 'client-individual']) {
      const client = await connect()
      await client.confirm('SUBSCRIBE', { id: '0', destination, ack, 'prefetch-count': '1' })
      for (const body of ['bad', 'bad', 'good']) await client.confirm('SEND', { destination }, body)
      const message = await client.frame('MESSAGE')
      expect(message.text).toBe('good')
      if (ack !== 'auto') await client.confirm('ACK', { id: message.headers.ack ?? '' })
      await client.confirm('UNSUBSCRIBE', { id: '0' })
      // Waiting before anybody came, too.
      for (const body of ['bad', 'good', 'bad']) await client.confirm('SEND', { destination }, body)
      await client.confirm('SUBSCRIBE', { id: '1', destination, ack: 'auto' })
      expect((await client.frame('MESSAGE')).text).toBe('good')
      await client.expectNothing()
      expect(broker.stats()).toMatchObject({ messages: 0, unacknowledged: 0 })
      await client.disconnect()
    }
  })

  test('settles by ACK the message that was shown in place of another', async ({ open, connect, queue }) => {
    const destination = queue('shown')
    const broker = await open({ hooks: { deliver: (message) => message.with({ body: 'shown' }) } })
    broker.publish(destination, 'kept')
    const client = await connect()
    await client.confirm('SUBSCRIBE', { id: '0', destination, ack: 'client' })
    client.send('NACK', { id: (await client.frame('MESSAGE')).headers.ack ?? '' })
    const again = await client.frame('MESSAGE', { redelivered: 'true' })
    expect(again.text).toBe('shown')
    await client.confirm('ACK', { id: again.headers.ack ?? '' })
    expect(broker.stats()).toMatchObject({ messages: 0, unacknowledged: 0 })
  })

  test('loses nothing of a queue where it throws: the message goes back, and is given up as after NACKs', async ({
    open,
    connect,
    queue,
    faults,
    until,
  }) => {
    const destination = queue('thrown')
    let failures = 3
    const broker = await open({
      destinations: [{ match: '/queue/**', maxDeliveries: 3 }],
      hooks: {
        deliver: (message) => {
          if (message.text() === 'once' && failures-- === 3) throw new Error('for a moment')
          if (message.text() === 'ever') throw new Error('for ever')
          if (message.text() === 'refused') throw new Refusal('not-yours', 'keep off')
        },
      },
    })
    const heard = new Heard(broker, ['dead-letter'])
    const client = await connect()
    await client.confirm('SUBSCRIBE', { id: '0', destination, ack: 'client-individual' })
    for (const body of ['once', 'ever', 'refused', 'good']) await client.confirm('SEND', { destination }, body)
    const messages = await client.messages(2)
    expect(messages.map(({ text }) => text)).toEqual(['once', 'good'])
    expect(messages[0]?.headers.redelivered).toBe('true')
    for (const { headers } of messages) await client.confirm('ACK', { id: headers.ack ?? '' })
    await until(() => heard.names.length === 1)
    expect(heard.of('dead-letter').map(({ message, reason }) => [message.text(), reason])).toEqual([
      ['ever', 'max-deliveries'],
    ])
    expect(broker.stats()).toMatchObject({ messages: 1, unacknowledged: 0 })
    expect(faults.splice(0)).toHaveLength(4)
  })

  test('and the hook send have their wrong answers told: a copy of a message is none', async ({
    open,
    connect,
    topic,
    faults,
  }) => {
    const destination = topic('copied')
    const censored = (message: Message): Message => ({ ...message, text: () => '***' }) as Message
    const broker = await open({
      hooks: {
        send: (message) => (message.text() === 'sent' ? censored(message) : undefined),
        deliver: (message) => (message.text() === 'shown' ? censored(message) : undefined),
      },
    })
    const client = await connect()
    await client.confirm('SUBSCRIBE', { id: '0', destination })
    await client.confirm('SEND', { destination }, 'shown')
    await client.expectNothing()
    client.send('SEND', { destination, receipt: 'r' }, 'sent')
    await client.error('hook-failed', { 'receipt-id': 'r' })
    expect(faults.splice(0).map(String)).toEqual([
      expect.stringContaining('the hook deliver must answer true, false, nothing, or a message'),
      expect.stringContaining('the hook send must answer true, false, nothing, or a message'),
    ])
    await broker.close()
  })

  test('skips the message where it throws, which it tells its host alone', async ({ open, connect, topic, faults }) => {
    const destination = topic('thrown')
    const failure = new Error('no such table')
    const throws: unknown[] = [failure, new Refusal('not-yours', 'keep off')]
    const broker = await open({
      hooks: {
        deliver: (message) => {
          if (message.text() === 'x') throw throws.shift()
        },
      },
    })
    const heard = new Heard(broker)
    const client = await connect()
    await client.confirm('SUBSCRIBE', { id: '0', destination })
    for (const body of ['x', 'x', 'y']) client.send('SEND', { destination }, body)
    expect((await client.frame('MESSAGE')).text).toBe('y')
    await client.expectNothing()
    expect(heard.of('error')).toEqual([{ error: failure, during: 'hook deliver' }])
    expect(faults.splice(0)).toEqual([failure])
  })

  test('delivers nothing on a promise, which is no answer: a skip would come too late', async ({
    open,
    connect,
    topic,
    faults,
  }) => {
    const destination = topic('promised')
    await open({ hooks: { deliver: (() => Promise.resolve(false)) as unknown as () => boolean } })
    const client = await connect()
    await client.confirm('SUBSCRIBE', { id: '0', destination })
    client.send('SEND', { destination }, 'secret')
    await client.expectNothing()
    expect(faults.splice(0).map(String)).toEqual([expect.stringContaining('deliver')])
  })
})
