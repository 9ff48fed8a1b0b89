/** Whether what a door is opened for is a broker: the commonest slip is to forget it. */

import type { Broker } from '@xtomp/core'

/** @param call - how the function is called, for the text. @throws TypeError where no broker is given */
export function checkBroker(given: Partial<Broker> | null | undefined, call = 'listen(broker, options)'): void {
  if (typeof given?.accept !== 'function') throw new TypeError(`${call} must be given a broker first`)
}
