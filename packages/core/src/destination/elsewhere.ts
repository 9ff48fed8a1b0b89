/** A topic that nobody here is subscribed to, while other brokers may have somebody who is. */

import type { StoredMessage } from '../message.js'
import { type Completion, nobody } from '../ports/destination.js'
import type { DestinationContext } from './context.js'
import { FanOut } from './fan-out.js'

/** Passes messages on to other brokers, and to nobody here; made for each, and not kept. */
export class Elsewhere extends FanOut {
  readonly name: string

  constructor(name: string, context: DestinationContext, host: string) {
    super(context, host)
    this.name = name
  }

  arrive(message: StoredMessage, completion: Completion = nobody): void {
    this.pass(message, completion)
  }

  protected add(): number {
    return 0
  }

  protected delete(): number {
    return 0
  }
}
