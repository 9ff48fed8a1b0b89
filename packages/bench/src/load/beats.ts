/** Heart-beats of all sessions of a process, on one timer, spread over the time between two. */

import type { Session } from './session.js'

const SLICES = 20
/** A beat that is late by less than a half is in time. */
const BEATS_AN_INTERVAL = 2

/** Beats as a `heart-beat` header promises, until the process ends; does nothing where it promises nothing. */
export function beat(heartBeat: string, sessions: () => readonly Session[]): void {
  const intervalMs = Number(heartBeat.split(',')[0])
  if (!(intervalMs > 0)) return
  let slice = 0
  setInterval(
    () => {
      const all = sessions()
      for (let at = slice; at < all.length; at += SLICES) all[at]?.beat()
      slice = (slice + 1) % SLICES
    },
    intervalMs / BEATS_AN_INTERVAL / SLICES,
  ).unref()
}
