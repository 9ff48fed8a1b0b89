/** Certificates that are replaced while the doors are open. */

import type { Logger } from 'pino'
import { placeOf } from './door-facts.js'
import type { OpenDoor } from './open-door.js'

/** Reads them again on SIGHUP, without a restart; one that cannot be used leaves its door as it is. */
export function renewOnSignal(doors: readonly OpenDoor[], logger: Logger): void {
  if (doors.every(({ renew }) => renew === undefined)) return
  process.on('SIGHUP', () => renewAll(doors, logger))
}

/** Reads them again now. */
export function renewAll(doors: readonly OpenDoor[], logger: Logger): void {
  for (const door of doors.filter(({ renew }) => renew !== undefined)) {
    try {
      door.renew?.()
      logger.info({ on: placeOf(door) }, 'certificates were read again')
    } catch (err) {
      logger.error({ err, on: placeOf(door) }, 'certificates cannot be used: those from before stay')
    }
  }
}
