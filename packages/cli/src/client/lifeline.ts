/** Everything that waits for a broker, so that nothing waits for one that is gone. */

/** Promises that end with the connection. */
export class Lifeline {
  /** Rejects when the connection is lost; never resolves. */
  readonly lost: Promise<never>
  readonly #waiting = new Set<(error: Error) => void>()
  #error: Error | undefined

  constructor() {
    this.lost = new Promise<never>((_, reject) => this.#waiting.add(reject))
    // Whoever waits for something else hears of it there.
    this.lost.catch(() => undefined)
  }

  /** Waits for `begin` to call back, or for the connection to be lost. */
  async until<T = void>(begin: (done: (value: T) => void) => void): Promise<T> {
    if (this.#error !== undefined) throw this.#error
    let give: ((error: Error) => void) | undefined
    try {
      return await new Promise<T>((resolve, reject) => {
        give = reject
        this.#waiting.add(reject)
        begin(resolve)
      })
    } finally {
      if (give !== undefined) this.#waiting.delete(give)
    }
  }

  /** It is lost: everything that waits fails, and whatever comes after. Only the first reason counts. */
  fail(error: Error): void {
    if (this.#error !== undefined) return
    this.#error = error
    for (const reject of this.#waiting) reject(error)
    this.#waiting.clear()
  }
}
