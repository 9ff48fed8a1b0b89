/** What the top of the page says of the session: its state, and how long until the next attempt. */

const SAYS = { off: 'not connected', opening: 'connecting …', on: 'connected', refused: 'refused' }

/** Shows the state; a wait is counted down. */
export class StateLine {
  #line
  #text
  #now
  #timer

  constructor({ line, text, now }) {
    this.#line = line
    this.#text = text
    this.#now = now
  }

  show(state, until) {
    clearInterval(this.#timer)
    this.#line.dataset.state = state
    this.#now.hidden = state !== 'waiting'
    if (state !== 'waiting') {
      this.#text.textContent = SAYS[state]
      return
    }
    const count = () => {
      const seconds = Math.max(0, Math.ceil((until - Date.now()) / 1_000))
      this.#text.textContent = `lost; again in ${seconds} s`
    }
    count()
    this.#timer = setInterval(count, 250)
  }
}
