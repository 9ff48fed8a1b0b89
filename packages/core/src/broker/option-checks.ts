/** Checks of what a host gives as options: each says which option it is, what was given, and what is allowed. */

/** Checks one option; `name` is its path, such as `limits.headers`. @throws TypeError where it makes no sense */
export type Check = (value: unknown, name: string) => void

/** A check for each option of a group; one that is missing does not compile. */
export type Checks<Options> = { readonly [Name in keyof Options]-?: Check }

/** A group of options. `undefined` means the default of an option, as leaving it out does. */
export function group(checks: Readonly<Record<string, Check>>): Check {
  // An object knows names of its own, such as `constructor`, for which there is no option.
  const known = new Map(Object.entries(checks))
  return (value, name) => {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) throw wrong(name, 'an object', value)
    // A list of the entries would be made for each message that is published with options.
    for (const key in value) {
      const given = (value as Readonly<Record<string, unknown>>)[key]
      const path = name === '' ? key : `${name}.${key}`
      const check = known.get(key)
      if (check === undefined)
        throw new TypeError(`there is no option ${path}; there are ${[...known.keys()].join(', ')}`)
      if (given !== undefined) check(given, path)
    }
  }
}

/** A list, each of its members checked. */
export function list(check: Check): Check {
  return (value, name) => {
    if (!Array.isArray(value)) throw wrong(name, 'a list', value)
    for (const [at, member] of value.entries()) check(member, `${name}[${at}]`)
  }
}

/** A number that counts something, or Infinity for no bound. */
export function wholeNumber(least: number): Check {
  return (value, name) => {
    const isWhole = Number.isInteger(value) || value === Number.POSITIVE_INFINITY
    if (!isWhole || (value as number) < least) throw wrong(name, `a whole number, ${least} or more`, value)
  }
}

/** Any number from `least` on. */
export function number(least: number): Check {
  return (value, name) => {
    if (typeof value !== 'number' || !(value >= least)) throw wrong(name, `a number, ${least} or more`, value)
  }
}

/** One of a few values. */
export function oneOf(...allowed: readonly unknown[]): Check {
  return (value, name) => {
    if (!allowed.includes(value)) throw wrong(name, `one of ${allowed.join(', ')}`, value)
  }
}

/** Text in one line, not empty. */
export const line: Check = (value, name) => {
  if (typeof value !== 'string' || value === '' || /[\r\n\0]/.test(value)) throw wrong(name, 'a line of text', value)
}

/** `false`, or what `check` allows. */
export function falseOr(check: Check): Check {
  return (value, name) => {
    if (value === false) return
    try {
      check(value, name)
    } catch (error) {
      throw error instanceof TypeError ? new TypeError(error.message.replace('must be ', 'must be false, or ')) : error
    }
  }
}

/** An object with these methods. */
export function shaped(...methods: readonly string[]): Check {
  return (value, name) => {
    const missing = methods.filter((method) => typeof Object(value)[method] !== 'function')
    if (missing.length > 0) throw wrong(name, `an object with the methods ${methods.join(', ')}`, value)
  }
}

/** A function. */
export const method: Check = (value, name) => {
  if (typeof value !== 'function') throw wrong(name, 'a function', value)
}

/** What is looked at where it is used. */
export const anything: Check = () => undefined

/** What is wrong with an option, for whoever wrote it. */
export function wrong(name: string, allowed: string, given: unknown): TypeError {
  return new TypeError(`${name === '' ? 'the options' : name} must be ${allowed}; given ${shown(given)}`)
}

function shown(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(value)
  if (typeof value === 'object' && value !== null) return Array.isArray(value) ? 'a list' : 'an object'
  return typeof value === 'function' ? 'a function' : String(value)
}
