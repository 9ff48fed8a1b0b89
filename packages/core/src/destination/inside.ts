/** What those who keep queues for other brokers reach of the broker whose queues they are. */

import type { BackplaneBroker } from '../ports/backplane.js'
import type { DestinationContext } from './context.js'
import type { Router } from './router.js'

/** A broker's destinations: what every backplane is given, for those of our own packages that need more of it. */
export interface Inside extends BackplaneBroker {
  readonly context: DestinationContext
  /** The destinations of a virtual host; undefined where there is no such host. */
  router(host: string): Router | undefined
}
