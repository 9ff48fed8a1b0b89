/** Whose pages may connect to the command's WebSockets: those of this machine, unless it is told otherwise. */

import { expect, test } from 'vitest'
import { originsFor } from '../../packages/cli/src/door/origins.js'

test.each(['127.0.0.1', '::1', 'localhost', '127.3.2.1'])('a door at %s lets in the pages of this machine', (host) => {
  const rule = originsFor(undefined, host)
  if (typeof rule !== 'function') throw new Error(`a function was expected, not ${rule}`)
  for (const origin of [
    'http://localhost',
    'https://localhost:3000',
    'http://app.localhost:8080',
    'http://127.0.0.1:61614',
    'http://[::1]:5173',
  ])
    expect(rule(origin), origin).toBe(true)
  for (const origin of [
    'https://example.org',
    // Names that lead to this machine are strangers' names all the same.
    'http://localhost.example.org:61614',
    'http://127.0.0.1.example.org:61614',
    'http://evillocalhost:61614',
    'http://192.168.0.7:61614',
    // A page in a sandboxed frame, from anywhere.
    'null',
    'file://',
    '',
  ])
    expect(rule(origin), origin).toBe(false)
})

test('a door that other machines reach lets in the pages of its own host alone', () => {
  expect(originsFor(undefined, '0.0.0.0')).toBe('same-origin')
  expect(originsFor(undefined, '192.168.0.7')).toBe('same-origin')
})

test('a door lets in whom it is told to', () => {
  expect(originsFor('any', '127.0.0.1')).toBe('any')
  expect(originsFor('same-origin', '127.0.0.1')).toBe('same-origin')
  expect(originsFor(['https://example.org'], '127.0.0.1')).toEqual(['https://example.org'])
  expect(originsFor('local', '0.0.0.0')).toBeTypeOf('function')
})
