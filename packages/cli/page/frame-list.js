/** The frames that went by: the last of them, drawn once a screen refresh, however many come. */

import { rowOf, wordsOf } from './frame-row.js'

/** How many are kept. */
const MOST = 500

/** Draws frames into a list that scrolls with them until somebody scrolls back. */
export class FrameList {
  #list
  #scroll
  /** Those that are in the list, each with its row. */
  #drawn = []
  /** Those that are not yet. */
  #fresh = []
  #isAtEnd = true
  #isPaused = false
  #words = ''
  #way = ''

  constructor(list, scroll) {
    this.#list = list
    this.#scroll = scroll
    scroll.addEventListener(
      'scroll',
      () => {
        this.#isAtEnd = scroll.scrollHeight - scroll.scrollTop - scroll.clientHeight < 40
      },
      { passive: true },
    )
  }

  /** How many came while it was paused, of those that are kept. */
  get held() {
    return this.#isPaused ? this.#fresh.length : 0
  }

  /** `settle`: an element with buttons for its row. */
  add(frame, settle) {
    this.#fresh.push({ frame, settle })
    // A tab in the background draws nothing, and a paused one neither.
    if (this.#fresh.length >= 2 * MOST) this.#fresh = this.#fresh.slice(-MOST)
  }

  pause(isPaused) {
    this.#isPaused = isPaused
  }

  clear() {
    this.#drawn = []
    this.#fresh = []
    this.#list.replaceChildren()
  }

  /** Shows those alone that hold the words and went this way; an empty text is no condition. */
  filter(words, way) {
    this.#words = words.trim().toLowerCase()
    this.#way = way
    for (const { frame, row } of this.#drawn) row.hidden = !this.#isWanted(frame)
    this.#follow()
  }

  /** Puts what is new into the list. */
  draw() {
    if (this.#isPaused || this.#fresh.length === 0) return
    const fresh = this.#fresh.slice(-MOST).map(({ frame, settle }) => {
      const row = rowOf(frame, settle)
      row.hidden = !this.#isWanted(frame)
      return { frame, row }
    })
    this.#fresh = []
    this.#drawn.push(...fresh)
    const gone = this.#drawn.splice(0, this.#drawn.length - MOST)
    const wasAt = this.#isAtEnd ? 0 : this.#scroll.scrollHeight
    for (const { row } of gone) row.remove()
    // What is read stays where it is.
    if (wasAt > 0 && gone.length > 0) this.#scroll.scrollTop -= wasAt - this.#scroll.scrollHeight
    this.#list.append(...fresh.map(({ row }) => row))
    this.#follow()
  }

  #isWanted(frame) {
    if (this.#way !== '' && frame.way !== this.#way) return false
    return this.#words === '' || wordsOf(frame).includes(this.#words)
  }

  #follow() {
    if (this.#isAtEnd) this.#scroll.scrollTop = this.#scroll.scrollHeight
  }
}
