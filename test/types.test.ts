/** What compiles and what does not: a mistake in a hook, a listener or an option is found before anything runs. */

import { join } from 'node:path'
import type { Hooks } from '@xtomp/core'
import ts from 'typescript'
import { describe, expect, it } from 'vitest'
import { root } from './support/sources.js'

interface Snippet {
  readonly says: string
  readonly code: string
  /** What the compiler says; nothing where it compiles. */
  readonly error?: RegExp
}

const USERS = `
  interface User { readonly name: string; readonly roles: readonly string[] }
  declare const users: { verify(login: string | undefined, passcode: string | undefined): Promise<User | undefined> }
`

/** Of each hook those that are wrong: one for which there is none here does not compile. */
const WRONG_HOOKS: { readonly [Name in keyof Required<Hooks>]: readonly Snippet[] } = {
  authenticate: [
    {
      says: 'refuses an authenticate that asks for what is not told',
      code: `createBroker({ hooks: { authenticate: ({ login, password }) => password === 'x' && { name: login } } })`,
      error: /Property 'password' does not exist on type 'Credentials'/,
    },
    {
      says: 'refuses an authenticate whose user is not the one that the other hooks know',
      code: `
        interface User { readonly name: string }
        const hooks: Hooks<User> = { authenticate: async ({ login }) => login }
        createBroker({ hooks })`,
      error: /Promise<string \| undefined>' is not assignable to type 'Answer<.*User/,
    },
  ],
  connect: [
    {
      says: 'refuses a connect that answers a text',
      code: `createBroker({ hooks: { connect: ({ headers }) => headers.get('client-id') } })`,
      error: /'string \| undefined' is not assignable to type 'Answer</,
    },
    {
      says: 'refuses a connect that wants the passcode',
      code: `createBroker({ hooks: { connect: ({ passcode }) => passcode === 'x' } })`,
      error: /Property 'passcode' does not exist on type 'ConnectRequest/,
    },
  ],
  authorize: [
    {
      says: 'refuses an authorize that forgets to answer',
      code: `createBroker({ hooks: { authorize: ({ action }) => { if (action === 'send') return true } } })`,
      error: /not assignable to type .*Answer<boolean>|Not all code paths return a value/,
    },
  ],
  subscribe: [
    {
      says: 'refuses a subscribe that answers how many',
      code: `createBroker({ hooks: { subscribe: async ({ destination }) => destination.length } })`,
      error: /Promise<number>' is not assignable to type 'Answer</,
    },
    {
      says: 'refuses a subscribe that asks for an ack mode that there is not',
      code: `createBroker({ hooks: { subscribe: ({ ackMode }) => ackMode !== 'individual' } })`,
      error: /no overlap/,
    },
  ],
  send: [
    {
      says: 'refuses a send that answers text',
      code: `createBroker({ hooks: { send: (message) => message.text() } })`,
      error: /'string' is not assignable/,
    },
  ],
  deliver: [
    {
      says: 'refuses a deliver that answers later',
      code: `createBroker({ hooks: { deliver: async () => false } })`,
      error: /Promise<boolean>' is not assignable/,
    },
  ],
}

const snippets: readonly Snippet[] = [
  {
    says: 'infers the user from authenticate, for every other hook, event and snapshot',
    code: `${USERS}
      const broker = createBroker({
        hooks: {
          authenticate: ({ login, passcode }) => users.verify(login, passcode),
          authorize: ({ user, action, destination }) => user.roles.includes(action + destination),
          send: (message, { user }) => message.with({ headers: { 'sent-by': user.name } }),
        },
      })
      broker.on('connect', ({ session }) => session.user.name.toUpperCase())
      for (const { user } of broker.sessions()) user.roles.join()`,
  },
  {
    says: 'takes all six hooks, answering now or later, or nothing',
    code: `${USERS}
      createBroker({
        hooks: {
          authenticate: ({ login, passcode }) => users.verify(login, passcode),
          connect: async ({ user, headers, session }) => user.roles.length > 0 && headers.has('client-id') && session.host !== '',
          authorize: async ({ user, isPattern }) => !isPattern || user.roles.includes('watch'),
          subscribe: ({ user, id, ackMode }) => { console.log(user.name, id, ackMode === 'client-individual') },
          send: async (message, { user }) => user.roles.length > 0 && message,
          deliver: (message, { user, subscription }) => message.destination !== subscription || user.name === 'ann',
        },
      })`,
  },
  {
    says: 'knows what the user is not',
    code: `${USERS}
      createBroker({
        hooks: {
          authenticate: ({ login, passcode }) => users.verify(login, passcode),
          authorize: ({ user }) => user.isAdmin,
        },
      })`,
    error: /Property 'isAdmin' does not exist on type 'User'/,
  },
  {
    says: 'refuses a hook that there is not',
    code: `createBroker({ hooks: { authorise: () => true } })`,
    error: /'authorise' does not exist in type 'Hooks/,
  },
  ...Object.values(WRONG_HOOKS).flat(),
  {
    says: 'refuses an event that there is not, and a payload that an event does not have',
    code: `createBroker().on('connected', () => undefined)`,
    error: /'"connected"' is not assignable/,
  },
  {
    says: 'knows the payload of each event',
    code: `createBroker().on('subscribe', ({ session, subscription, reason }) => [session.id, subscription.destination, reason])`,
    error: /Property 'reason' does not exist/,
  },
  {
    says: 'refuses an option that there is not',
    code: `createBroker({ limit: { headers: 3 } })`,
    error: /'limit' does not exist in type 'BrokerOptions/,
  },
  {
    says: 'refuses a rule whose word is none',
    code: `createBroker({ destinations: [{ match: '/queue/a', whenFull: 'drop' }] })`,
    error: /'"drop"' is not assignable/,
  },
  {
    says: 'takes a subscription as a callback, with options or without, and as a loop',
    code: `
      const broker = createBroker()
      broker.subscribe('/queue/a', ({ message }) => message.json<{ id: number }>().id)
      broker.subscribe('/queue/a', { ack: 'client', prefetch: 3 }, async (delivery) => delivery.ack())
      for await (const { message, redelivered } of broker.subscribe('/queue/a')) console.log(message.text(), redelivered)`,
  },
  {
    says: 'refuses an ack mode that there is not',
    code: `createBroker().subscribe('/queue/a', { ack: 'individual' })`,
    error: /'"individual"' is not assignable/,
  },
  {
    says: 'refuses a body that is neither text nor octets',
    code: `createBroker().publish('/queue/a', { order: 1 })`,
    error: /'order' does not exist in type 'Uint8Array/,
  },
  {
    says: 'takes console-like and pino-like loggers that take fields first',
    code: `
      declare const pino: { info(fields: object, message?: string): void; warn(fields: object, message?: string): void; error(fields: object, message?: string): void }
      createBroker({ logger: pino })`,
  },
  {
    says: 'knows the codes of errors, and lets a host have its own',
    code: `
      const code: ErrorCode = 'queue-full'
      throw new Refusal('account-suspended', code)`,
  },
]

/** The Fastify plugin, whose options are typed where it is registered. */
const PLUGIN = `${USERS}
  import { stomp } from '@xtomp/fastify'
  import fastify from 'fastify'
  const app = fastify()`

const pluginSnippets: readonly Snippet[] = [
  {
    says: 'infers the user from authenticate where the Fastify plugin is registered, whatever the server',
    code: `${PLUGIN}
      const secure = fastify({ https: {} })
      for (const each of [app, secure]) await each.register(stomp)
      await secure.register(stomp, {
        prefix: '/v1',
        path: (path) => path.endsWith('/stomp'),
        options: {
          hooks: {
            authenticate: ({ login, passcode }) => users.verify(login, passcode),
            authorize: ({ user, destination }) => user.roles.includes(destination),
          },
        },
      })
      app.broker.publish('/topic/a', 'b')`,
  },
  {
    says: 'knows what the user of the Fastify plugin is not',
    code: `${PLUGIN}
      await app.register(stomp, {
        options: {
          hooks: {
            authenticate: ({ login, passcode }) => users.verify(login, passcode),
            authorize: ({ user }) => user.isAdmin,
          },
        },
      })`,
    error: /Property 'isAdmin' does not exist on type 'User'/,
  },
  {
    says: 'refuses an option that the Fastify plugin has not',
    code: `${PLUGIN}
      await app.register(stomp, { pth: '/stomp' })`,
    error: /'pth' does not exist/,
  },
  {
    says: 'leaves the options of other Fastify plugins to them',
    code: `${PLUGIN}
      import type { FastifyPluginAsync } from 'fastify'
      declare const other: FastifyPluginAsync<{ readonly size: number }>
      await app.register(stomp)
      await app.register(other, { size: '3' })`,
    error: /Type 'string' is not assignable to type 'number'/,
  },
]

const HEAD = `import { createBroker, type ErrorCode, type Hooks, Refusal } from '@xtomp/core'\nexport {}\nvoid [createBroker, Refusal]; export type E = [ErrorCode, Hooks]\n`

const all = [...snippets, ...pluginSnippets]

/** The first thing that the compiler says of each snippet, all compiled at once. */
function compiled(): (string | undefined)[] {
  const { config } = ts.readConfigFile(join(root, 'tsconfig.json'), ts.sys.readFile)
  const { options } = ts.parseJsonConfigFileContent({ ...config, include: [], files: [] }, ts.sys, root)
  const files = new Map(all.map(({ code }, at) => [join(root, 'test', `snippet-${at}.ts`), `${HEAD}${code}\n`]))
  const host = ts.createCompilerHost(options)
  const { fileExists, readFile } = host
  host.fileExists = (name) => files.has(name) || fileExists(name)
  host.readFile = (name) => files.get(name) ?? readFile(name)
  const program = ts.createProgram([...files.keys()], options, host)
  return [...files.keys()].map((name) => {
    const [first] = ts.getPreEmitDiagnostics(program, program.getSourceFile(name))
    return first && ts.flattenDiagnosticMessageText(first.messageText, '\n')
  })
}

describe('types', () => {
  const said = compiled()

  it.each(all.map((snippet, at) => ({ ...snippet, found: said[at] })))('$says', ({ error, found }) => {
    if (error === undefined) expect(found).toBeUndefined()
    else expect(found).toMatch(error)
  })
})
