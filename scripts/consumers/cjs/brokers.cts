/** A CommonJS module that makes brokers for others. */

export type * as core from '@xtomp/core'

import { createBroker } from '@xtomp/core'
import { createTestBroker } from '@xtomp/testing'

export const broker = createBroker({
  hooks: { authenticate: ({ login }) => login !== undefined && { name: login } },
})
export const testBroker = createTestBroker()
