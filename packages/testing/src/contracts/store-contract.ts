/** What every Store does: the cases that a broker relies on. */

import { deepStrictEqual } from 'node:assert/strict'
import { Headers, type Store, type StoredEntry } from '@xtomp/core'
import type { Contract } from './contract.js'

/** How the cases get at an implementation. */
export interface StoreHarness {
  /** An empty store. */
  open(): Store | Promise<Store>
  /** Closes it and opens what it has kept, as a broker does that is started again. */
  reopen(store: Store): Store | Promise<Store>
  /** Makes the next batch fail; left out where nothing can. Adds the case for it. */
  failNext?(store: Store): void
  /** Ends it; called at the end of each case. */
  close?(store: Store): void | Promise<void>
}

const QUEUE = 'host\0/queue/a'
const OTHER = '\0/queue/ä b'

/** The cases. */
export function storeContract(harness: StoreHarness): readonly Contract[] {
  const named = (name: string, run: (store: Store) => Promise<void>): Contract => ({
    name,
    run: async () => {
      const store = await harness.open()
      try {
        await run(store)
      } finally {
        await harness.close?.(store)
      }
    },
  })
  const cases = [
    named('has nothing to begin with', async (store) => {
      deepStrictEqual(await kept(store), {})
    }),

    named(
      'recovers what was appended: id, headers with their repeats, body, expiry, and whether it is a dead letter',
      async (store) => {
        const headers = Headers.from([
          ['b', '1'],
          ['a', 'ü\n:'],
          ['b', '2'],
        ])
        const body = Uint8Array.from({ length: 256 }, (_, octet) => octet)
        const entry = { queue: QUEUE, id: 'x-1', headers, body, expiresAt: 1_893_456_000_000, isDeadLetter: false }
        await store.apply({
          appends: [entry, { ...entry, id: 'x-2', body: new Uint8Array(0), expiresAt: 0, isDeadLetter: true }],
          settlements: [],
        })
        const found = (await recovered(store)).map(({ headers, body, ...facts }) => [facts, [...headers], [...body]])
        deepStrictEqual(found, [
          [{ queue: QUEUE, id: 'x-1', expiresAt: 1_893_456_000_000, isDeadLetter: false }, [...headers], [...body]],
          [{ queue: QUEUE, id: 'x-2', expiresAt: 0, isDeadLetter: true }, [...headers], []],
        ])
      },
    ),

    named('recovers each queue oldest first, however many batches and pages that takes', async (store) => {
      const ids = Array.from({ length: 3_000 }, (_, at) => `n-${at}`)
      const answers: unknown[] = []
      for (let at = 0; at < ids.length; at += 7) {
        const appends = ids.slice(at, at + 7).flatMap((id) => [entryOf(QUEUE, id), entryOf(OTHER, id)])
        // Never waiting for the one before: a broker does not either.
        answers.push(store.apply({ appends, settlements: [] }))
      }
      await Promise.all(answers)
      deepStrictEqual(await kept(store), { [QUEUE]: ids, [OTHER]: ids })
    }),

    named('keeps the octets as they were when a batch was given, once it is done', async (store) => {
      const entry = entryOf(QUEUE, 'x', 'as it was')
      await store.apply({ appends: [entry], settlements: [] })
      entry.body.fill(0)
      deepStrictEqual(
        (await recovered(store)).map(({ body }) => new TextDecoder().decode(body)),
        ['as it was'],
      )
    }),

    named('forgets what was settled, in that queue alone', async (store) => {
      const appends = [QUEUE, OTHER].flatMap((queue) => ['1', '2', '3'].map((id) => entryOf(queue, id)))
      await store.apply({ appends, settlements: [] })
      await store.apply({
        appends: [],
        settlements: [
          { queue: QUEUE, id: '2' },
          { queue: OTHER, id: '1' },
        ],
      })
      deepStrictEqual(await kept(store), { [QUEUE]: ['1', '3'], [OTHER]: ['2', '3'] })
    }),

    named('moves a message from one queue to another in one batch, under the same id', async (store) => {
      await store.apply({ appends: [entryOf(QUEUE, '1')], settlements: [] })
      await store.apply({ appends: [entryOf(OTHER, '1')], settlements: [{ queue: QUEUE, id: '1' }] })
      deepStrictEqual(await kept(store), { [OTHER]: ['1'] })
      await store.apply({ appends: [], settlements: [{ queue: OTHER, id: '1' }] })
      deepStrictEqual(await kept(store), {})
    }),

    named('lists what was kept when recover was called, not what is appended meanwhile', async (store) => {
      await store.apply({ appends: [entryOf(QUEUE, '1'), entryOf(QUEUE, '2')], settlements: [] })
      const pages = store.recover()[Symbol.asyncIterator]()
      const first = await pages.next()
      await store.apply({ appends: [entryOf(QUEUE, 'late')], settlements: [] })
      const ids = first.done ? [] : first.value.map(({ id }) => id)
      for (let page = await pages.next(); !page.done; page = await pages.next())
        ids.push(...page.value.map(({ id }) => id))
      deepStrictEqual(ids, ['1', '2'])
      deepStrictEqual(await kept(store), { [QUEUE]: ['1', '2', 'late'] })
    }),

    named('takes batches while it recovers', async (store) => {
      const appends = Array.from({ length: 2_500 }, (_, at) => entryOf(QUEUE, `${at}`))
      await store.apply({ appends, settlements: [] })
      let listed = 0
      for await (const page of store.recover()) {
        listed += page.length
        await store.apply({ appends: [], settlements: page.map(({ queue, id }) => ({ queue, id })) })
      }
      deepStrictEqual([listed, await kept(store)], [2_500, {}])
    }),
  ]
  return [...cases, ...acrossCases(harness)]
}

/** Cases that need more than one store, or one that fails. */
function acrossCases({ open, reopen, failNext, close }: StoreHarness): readonly Contract[] {
  const cases: Contract[] = [
    {
      name: 'has all of it when it is opened again',
      run: async () => {
        const store = await open()
        await store.apply({ appends: [entryOf(QUEUE, '1', 'kept'), entryOf(QUEUE, '2')], settlements: [] })
        await store.apply({ appends: [], settlements: [{ queue: QUEUE, id: '2' }] })
        const again = await reopen(store)
        const bodies = (await recovered(again)).map(({ id, body }) => [id, new TextDecoder().decode(body)])
        deepStrictEqual(bodies, [['1', 'kept']])
        await again.apply({ appends: [entryOf(QUEUE, '3')], settlements: [] })
        deepStrictEqual(await kept(again), { [QUEUE]: ['1', '3'] })
        await close?.(again)
      },
    },
    {
      name: 'shares nothing with another store',
      run: async () => {
        const [one, other] = [await open(), await open()]
        await one.apply({ appends: [entryOf(QUEUE, '1')], settlements: [] })
        deepStrictEqual(await kept(other), {})
        await close?.(one)
        await close?.(other)
      },
    },
  ]
  if (failNext === undefined) return cases
  return [
    ...cases,
    {
      name: 'takes nothing of a batch that it rejects, and goes on',
      run: async () => {
        const store = await open()
        await store.apply({ appends: [entryOf(QUEUE, '1')], settlements: [] })
        failNext(store)
        const batch = { appends: [entryOf(QUEUE, '2'), entryOf(OTHER, '3')], settlements: [{ queue: QUEUE, id: '1' }] }
        const outcome = await Promise.resolve()
          .then(() => store.apply(batch))
          .then(
            () => 'took it',
            () => 'rejected it',
          )
        deepStrictEqual([outcome, await kept(store)], ['rejected it', { [QUEUE]: ['1'] }])
        await store.apply({ appends: [entryOf(QUEUE, '4')], settlements: [] })
        deepStrictEqual(await kept(store), { [QUEUE]: ['1', '4'] })
        await close?.(store)
      },
    },
  ]
}

function entryOf(queue: string, id: string, text = id): StoredEntry {
  return {
    queue,
    id,
    headers: Headers.from({ id }),
    body: new TextEncoder().encode(text),
    expiresAt: 0,
    isDeadLetter: false,
  }
}

async function recovered(store: Store): Promise<StoredEntry[]> {
  const entries: StoredEntry[] = []
  for await (const page of store.recover()) entries.push(...page)
  return entries
}

/** The ids in each queue. */
async function kept(store: Store): Promise<Record<string, string[]>> {
  const queues: Record<string, string[]> = {}
  for (const { queue, id } of await recovered(store)) queues[queue] = [...(queues[queue] ?? []), id]
  return queues
}
