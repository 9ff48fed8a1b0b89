/** The one bound over all memory: who gives something back when it is reached, and who does not. */

import { expect, test } from 'vitest'
import { Account, type Relievable } from '../packages/core/src/account.js'

/** Holds octets until it is made to give them back; counts how often anybody looks at it. */
class Holder implements Relievable {
  looks = 0
  isRelieved = false
  readonly #account: Account
  #bytes: number

  constructor(account: Account, bytes: number) {
    this.#account = account
    this.#bytes = bytes
    expect(account.relievable.take(bytes)).toBe(true)
    account.relievables.add(this)
  }

  get heldBytes(): number {
    this.looks++
    return this.#bytes
  }

  relieve(): void {
    this.isRelieved = true
    this.#account.relievables.delete(this)
    this.#account.relievable.give(this.#bytes)
    this.#bytes = 0
  }
}

/** An account of 1,000 of which `lasting` are held for good, and ten who hold these octets each. */
function crowded(lasting: number, bytes = 10) {
  const account = new Account(1_000)
  expect(account.take(lasting)).toBe(true)
  return { account, holders: Array.from({ length: 10 }, () => new Holder(account, bytes)) }
}

test('what is refused nevertheless costs nobody anything, and nobody is even looked at', () => {
  const { account, holders } = crowded(850)
  expect(account.take(151)).toBe(false)
  expect(account.take(1_001)).toBe(false)
  expect(holders.map(({ isRelieved, looks }) => [isRelieved, looks])).toEqual(holders.map(() => [false, 0]))
  expect(account.used).toBe(950)
})

test('what can be made room for is taken, though it takes all that can be given back', () => {
  const { account, holders } = crowded(850)
  expect(account.take(150)).toBe(true)
  expect(holders.every(({ isRelieved }) => isRelieved)).toBe(true)
  expect(account.used).toBe(1_000)
})

test('where most must stay, no more is given back than is needed, or a tenth of what can be', () => {
  const { account, holders } = crowded(850)
  expect(account.take(60)).toBe(true)
  expect(holders.filter(({ isRelieved }) => isRelieved)).toHaveLength(1)
})

test('where most can be given back, room is made for some time', () => {
  const { account, holders } = crowded(0, 100)
  expect(account.take(1)).toBe(true)
  expect(holders.filter(({ isRelieved }) => isRelieved)).toHaveLength(1)
  for (let taken = 0; taken < 99; taken++) expect(account.take(1)).toBe(true)
  expect(holders.filter(({ isRelieved }) => isRelieved)).toHaveLength(1)
})

test('what is held already is made up for by the largest', () => {
  const { account, holders } = crowded(850)
  const large = new Holder(account, 50)
  account.relievable.charge(1)
  expect(large.isRelieved).toBe(true)
  expect(holders.some(({ isRelieved }) => isRelieved)).toBe(false)
})
