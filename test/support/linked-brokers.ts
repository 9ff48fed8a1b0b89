/** A primary's broker and those of its workers, in one process and over the real link. */

import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { connect, createServer, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Broker, BrokerOptions } from '@xtomp/core'
import { createOwner, type Owner } from '../../packages/cluster/src/primary/owner.js'
import type { WorkerLink } from '../../packages/cluster/src/primary/worker-link.js'
import { createWorkerBroker, type WorkerBroker } from '../../packages/cluster/src/worker/worker-broker.js'

/** One worker, and its end in the primary. */
export interface LinkedWorker extends WorkerBroker<unknown> {
  readonly atOwner: WorkerLink
  /** As `kill -9` would: the link breaks, and nothing more is said. */
  kill(): void
}

/** Brokers that are one. */
export class LinkedBrokers {
  readonly owner: Owner
  readonly workers: LinkedWorker[] = []
  readonly #options: BrokerOptions
  readonly #faults: unknown[]

  private constructor(options: BrokerOptions, faults: unknown[]) {
    this.#options = options
    this.#faults = faults
    this.owner = createOwner(options)
  }

  /** Opens so many workers; `faults` gets what makes no sense. */
  static async open(count: number, options: BrokerOptions = {}, faults: unknown[] = []): Promise<LinkedBrokers> {
    const brokers = new LinkedBrokers(options, faults)
    for (let left = count; left > 0; left--) await brokers.add()
    return brokers
  }

  /** Adds a worker. */
  async add(): Promise<LinkedWorker> {
    const [near, far] = await socketPair()
    const atOwner = this.owner.connect(near, {
      told: () => undefined,
      failed: (error) => this.#faults.push(error),
      closed: () => undefined,
    })
    const linked = createWorkerBroker(far, this.#options, { told: () => undefined, closed: () => undefined })
    const worker = { ...linked, atOwner, kill: () => void far.destroy() }
    this.workers.push(worker)
    return worker
  }

  /** All brokers. */
  get brokers(): readonly Broker[] {
    return [...this.workers.map(({ broker }) => broker), this.owner.broker]
  }

  /** Closes the workers, then the primary. */
  async close(): Promise<void> {
    await Promise.all(
      this.workers.map(async ({ broker, owner, atOwner }) => {
        await broker.close()
        owner.link.end()
        while (!atOwner.link.isClosed) await new Promise((resolve) => setImmediate(resolve))
      }),
    )
    await this.owner.broker.close()
  }
}

/** Both ends of a stream of octets that the system carries. */
export async function socketPair(): Promise<[Socket, Socket]> {
  const folder = await mkdtemp(join(tmpdir(), 'xtomp-'))
  const server = createServer()
  server.listen(join(folder, 's'))
  await once(server, 'listening')
  const far = connect(join(folder, 's'))
  const [near] = (await once(server, 'connection')) as [Socket]
  server.close()
  await rm(folder, { recursive: true, force: true })
  return [near, far]
}
