/** The plugin: a broker that lives as long as the application, and a door on the application's own server. */

import { type Broker, createBroker } from '@xtomp/core'
import { attach } from '@xtomp/ws'
import type { FastifyInstance, RegisterOptions } from 'fastify'
import fastifyPlugin from 'fastify-plugin'
import { type StompOptions, type StompSettings, settingsOf } from './options.js'

/** A plugin for `app.register`, which knows the user by what `authenticate` answers. */
export interface StompPlugin {
  <User>(app: FastifyInstance, options: StompOptions<User>): Promise<void>
  /** No other plugin is taken for this one. */
  readonly isStomp: true
}

declare module 'fastify' {
  interface FastifyInstance {
    /** The broker of `@xtomp/fastify`. */
    broker: Broker
  }
  // Fastify's own signatures take the type of the options from the plugin alone: the user would be unknown.
  interface FastifyRegister<T, RawServer, TypeProviderDefault, LoggerDefault> {
    (plugin: StompPlugin): T
    <User>(plugin: StompPlugin, options: StompOptions<User> & RegisterOptions): T
  }
}

/**
 * Opens a STOMP broker on the server of a Fastify application, and makes it `app.broker`. `app.close()` drains and closes
 * it, before the server waits for its connections.
 *
 * @example
 * ```ts
 * import { stomp } from '@xtomp/fastify'
 * import fastify from 'fastify'
 *
 * const app = fastify()
 * await app.register(stomp, { path: '/stomp' })
 * app.broker.publish('/topic/prices', '{"tea":4.2}')
 * ```
 * @throws TypeError where an option is unknown or makes no sense, and where the server speaks HTTP/2
 */
export const stomp: StompPlugin = Object.assign(
  fastifyPlugin(open, { name: '@xtomp/fastify', fastify: '5.x' }) as typeof open,
  { isStomp: true } as const,
)

async function open<User>(app: FastifyInstance, options: StompOptions<User>): Promise<void> {
  const settings = settingsOf(app, options)
  if ('updateSettings' in app.server)
    throw new TypeError('a WebSocket needs a server that speaks HTTP/1.1, and this one speaks HTTP/2 (option http2)')
  const { broker, isOurs } = brokerFor(app, settings)
  const door = attach(broker, app.server, settings.door)
  if (!Object.hasOwn(app, 'broker')) app.decorate('broker', broker)
  const close = (): Promise<void> => (isOurs ? broker.close({ drainMs: settings.drainMs }) : door.close())
  // The server would wait for its WebSockets. What is closed behind it, in onClose, is there until they are settled.
  app.addHook('preClose', close)
  closeWith(app.server, close)
}

/** Where a preClose hook fails, Fastify runs none behind it, and closes the server, which would wait for its WebSockets for ever. */
function closeWith(server: FastifyInstance['server'], close: () => Promise<void>): void {
  const own = server.close
  server.close = (told) => {
    void close()
    return Reflect.apply(own, server, [told])
  }
}

function brokerFor<User>(
  app: FastifyInstance,
  { broker, options }: StompSettings<User>,
): { readonly broker: Broker; readonly isOurs: boolean } {
  const known = hasBroker(app) ? app.broker : undefined
  if (known !== undefined && broker === undefined && options === undefined) return { broker: known, isOurs: false }
  if (Object.hasOwn(app, 'broker') && known === undefined)
    throw new TypeError("app.broker is another plugin's: register this one in a context of its own")
  if (Object.hasOwn(app, 'broker') && broker !== known)
    throw new TypeError('app.broker is another one already: register a second broker in a context of its own')
  if (broker !== undefined) return { broker: broker as Broker, isOurs: false }
  return { broker: createBroker({ logger: app.log, ...options }) as Broker, isOurs: true }
}

/** Whether `app.broker` is a broker: what others call so may be anything. */
function hasBroker(app: FastifyInstance): boolean {
  return app.hasDecorator('broker') && typeof (app.broker as Partial<Broker> | undefined)?.accept === 'function'
}
