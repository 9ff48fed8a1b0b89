/** `xtomp pub` and `xtomp sub` as a shell has them: in pipes, with signals, by their exit codes. */

import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { type Broker, createBroker } from '@xtomp/core'
import { listen } from '@xtomp/net'
import { expect, onTestFinished, test } from 'vitest'
import { RunningProgram } from '../support/programs.js'
import { root } from '../support/sources.js'
import { until } from '../support/suite.js'

const bin = join(root, 'packages', 'cli', 'bin', 'xtomp.js')

interface Shell {
  readonly broker: Broker
  run(command: string, args: readonly string[]): RunningProgram
}

async function shell(): Promise<Shell> {
  const broker = createBroker()
  const { port } = await listen(broker, { port: 0 })
  onTestFinished(() => broker.close())
  const env = { ...process.env, NODE: process.execPath, XTOMP: bin, XTOMP_URL: `stomp://127.0.0.1:${port}` }
  const run = (command: string, args: readonly string[]): RunningProgram => {
    const program = new RunningProgram(spawn(command, args, { env, stdio: ['ignore', 'pipe', 'pipe'] }))
    onTestFinished(() => program.stop())
    return program
  }
  return { broker, run }
}

test('sub hands on to pub, and both end well', async () => {
  const { broker, run } = await shell()
  for (const body of ['one', 'two', 'three']) broker.publish('/queue/a', body, { headers: { type: 'x' } })
  const pipe = 'set -e; "$NODE" "$XTOMP" sub /queue/a --json --count 3 | "$NODE" "$XTOMP" pub /queue/b --json --receipt'
  const program = run('sh', ['-c', pipe])
  expect(await program.exit()).toBe(0)
  expect(program.output + program.errors).toBe('')
  const bodies: string[] = []
  broker.subscribe('/queue/b', {}, ({ message }) => bodies.push(`${message.text()} ${message.headers.get('type')}`))
  await until(() => bodies.length === 3)
  expect(bodies).toEqual(['one x', 'two x', 'three x'])
  expect(broker.stats()).toMatchObject({ messages: 0 })
})

test('sub at Ctrl-C unsubscribes, disconnects, has written all, and ends with exit code 0', async () => {
  const { broker, run } = await shell()
  const facts: string[] = []
  broker.on('unsubscribe', ({ subscription }) => facts.push(subscription.destination))
  broker.on('disconnect', ({ reason }) => facts.push(reason.code))
  const program = run(process.execPath, [bin, 'sub', '/topic/a'])
  await until(() => broker.stats().subscriptions === 1)
  broker.publish('/topic/a', 'hello')
  await program.prints('hello\n')
  program.signal('SIGINT')
  expect(await program.exit()).toBe(0)
  expect(program.output).toBe('hello\n')
  expect(program.errors).toBe('')
  expect(facts).toEqual(['/topic/a', 'disconnect'])
})

test('sub whose reader has gone ends in silence', async () => {
  const { broker, run } = await shell()
  for (let count = 0; count < 2_000; count++) broker.publish('/queue/a', `${count}`.padEnd(1_000))
  const program = run('sh', ['-c', '"$NODE" "$XTOMP" sub /queue/a | head -n 1'])
  expect(await program.exit()).toBe(0)
  expect(program.output.trimEnd()).toBe('0')
  expect(program.errors).toBe('')
})
