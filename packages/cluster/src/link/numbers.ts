/** Numbers of 32 bits for what is under way: given in turn, and never one that is in use. */

const LARGEST = 2 ** 32 - 1

/** Values by the numbers that they were given; 0 is none. */
export class Numbers<T> {
  readonly #values = new Map<number, T>()
  #last = 0

  /** Gives a value its number. */
  add(value: T): number {
    do this.#last = this.#last === LARGEST ? 1 : this.#last + 1
    while (this.#values.has(this.#last))
    this.#values.set(this.#last, value)
    return this.#last
  }

  /** Changes the value of a number that was given. */
  set(number: number, value: T): void {
    this.#values.set(number, value)
  }

  /** The value of a number. */
  get(number: number): T | undefined {
    return this.#values.get(number)
  }

  /** Takes a value out. */
  take(number: number): T | undefined {
    const value = this.#values.get(number)
    this.#values.delete(number)
    return value
  }

  /** Takes out all, in the order in which they were added. */
  takeAll(): T[] {
    const all = [...this.#values.values()]
    this.#values.clear()
    return all
  }

  /** All values. */
  [Symbol.iterator](): IterableIterator<T> {
    return this.#values.values()
  }
}
