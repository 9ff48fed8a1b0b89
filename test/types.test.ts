/** What compiles and what does not: a mistake in a hook, a listener or an option is found before anything runs. */

import { join } from 'node:path'
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
  {
    says: 'refuses an authorize that forgets to answer',
    code: `createBroker({ hooks: { authorize: ({ action }) => { if (action === 'send') return true } } })`,
    error: /not assignable to type .*Answer<boolean>|Not all code paths return a value/,
  },
  {
    says: 'refuses a deliver that answers later',
    code: `createBroker({ hooks: { deliver: async () => false } })`,
    error: /Promise<boolean>' is not assignable/,
  },
  {
    says: 'refuses a send that answers text',
    code: `createBroker({ hooks: { send: (message) => message.text() } })`,
    error: /'string' is not assignable/,
  },
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

const HEAD = `import { createBroker, type ErrorCode, Refusal } from '@xtomp/core'\nexport {}\nvoid [createBroker, Refusal]; export type E = ErrorCode\n`

/** The first thing that the compiler says of each snippet, all compiled at once. */
function compiled(): (string | undefined)[] {
  const { config } = ts.readConfigFile(join(root, 'tsconfig.json'), ts.sys.readFile)
  const { options } = ts.parseJsonConfigFileContent({ ...config, include: [], files: [] }, ts.sys, root)
  const files = new Map(snippets.map(({ code }, at) => [join(root, 'test', `snippet-${at}.ts`), `${HEAD}${code}\n`]))
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

  it.each(snippets.map((snippet, at) => ({ ...snippet, found: said[at] })))('$says', ({ error, found }) => {
    if (error === undefined) expect(found).toBeUndefined()
    else expect(found).toMatch(error)
  })
})
