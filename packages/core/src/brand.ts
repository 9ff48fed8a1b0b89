/** What an object is, by a mark that all copies of this package know: a process may hold it as ESM and as CommonJS. */

interface Class {
  readonly prototype: object
}

/**
 * Lets `instanceof` go by a mark, where a class is asked for by its own name: `static { brand(Refusal, 'Refusal') }`.
 * Its name is given once more: builders call a class that speaks of itself something else. Classes that others derive
 * from it are told apart as ever.
 */
export function brand(type: Class, name: string): void {
  Object.defineProperty(type, 'name', { value: name })
  const mark = Symbol.for(`@xtomp/core ${name}`)
  Object.defineProperty(type.prototype, mark, { value: true })
  Object.defineProperty(type, Symbol.hasInstance, {
    value(this: Class, value: unknown): boolean {
      if (this !== type) return Function.prototype[Symbol.hasInstance].call(this, value)
      return typeof value === 'object' && value !== null && mark in value
    },
  })
}
