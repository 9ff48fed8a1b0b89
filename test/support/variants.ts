/** Brokers that answer later: the same cases must hold when every hook and every store batch takes one turn. */

import type { BrokerOptions, Hooks, Store } from '@xtomp/core'

/** One turn of the event loop. */
export function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}

/** Options changed so that something answers one turn later. */
export interface Variant {
  readonly name: string
  change(options: BrokerOptions): BrokerOptions
}

/** What the suite runs again over memory. */
export const variants: readonly Variant[] = [
  { name: 'late hooks', change: (options) => ({ ...options, hooks: lateHooks(options.hooks) }) },
  { name: 'late store', change: (options) => ({ ...options, store: options.store ?? lateStore() }) },
]

/** All hooks, each answering what `hooks` answers, or allowing, one turn later; `deliver` must answer now. */
export function lateHooks(hooks: Hooks = {}): Hooks {
  return {
    authenticate: async (credentials) => {
      await turn()
      return hooks.authenticate === undefined
        ? { name: credentials.login ?? 'somebody' }
        : hooks.authenticate(credentials)
    },
    connect: async (request) => {
      await turn()
      return hooks.connect?.(request)
    },
    authorize: async (request) => {
      await turn()
      return hooks.authorize === undefined ? true : hooks.authorize(request)
    },
    subscribe: async (request) => {
      await turn()
      return hooks.subscribe?.(request)
    },
    send: async (message, context) => {
      await turn()
      return hooks.send?.(message, context)
    },
    deliver: (message, context) => hooks.deliver?.(message, context),
  }
}

/** A store that keeps nothing, and takes one turn to say so. */
export function lateStore(): Store {
  return {
    apply: () => turn(),
    async *recover() {},
  }
}
