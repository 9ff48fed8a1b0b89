/** The core as ESM and as CommonJS, built: both copies know what the other one makes, and print it by its name. */

import { spawn } from 'node:child_process'
import { expect, test } from 'vitest'
import { RunningProgram } from '../support/programs.js'
import { root } from '../support/sources.js'

/** Both copies, each taken for a host whose hooks are made with the other. */
const program = `
  import { createRequire } from 'node:module'
  import * as esm from '@xtomp/core'
  const cjs = createRequire(process.cwd() + '/')('@xtomp/core')

  const said = async (core, hooks) => {
    const faults = []
    const logger = { info: () => undefined, warn: () => undefined, error: ({ err }) => faults.push(String(err)) }
    const broker = core.createBroker({ hooks, logger })
    let text = ''
    const client = core.connectMemory(broker, { receive: (octets) => (text += new TextDecoder().decode(octets)) })
    client.write('CONNECT\\naccept-version:1.2\\nhost:/\\n\\n\\0')
    client.write('SUBSCRIBE\\nid:0\\ndestination:/topic/a\\n\\n\\0SEND\\ndestination:/topic/a\\n\\nsent\\0')
    for (let turns = 0; turns < 5; turns++) await new Promise((resolve) => setImmediate(resolve))
    const got = [...text.matchAll(/^MESSAGE[^]*?\\n\\n([^\\0]*)/gm)].map(([, body]) => body)
    const code = /^code:(.*)$/m.exec(text)?.[1]
    await broker.close()
    return { code, got, faults }
  }
  const messageOf = (core) =>
    new Promise((resolve) => {
      const broker = core.createBroker()
      broker.subscribe('/topic/a', {}, ({ message }) => resolve(message))
      broker.publish('/topic/a', 'of another broker')
    })

  const both = [[esm, cjs], [cjs, esm]]
  const answers = []
  for (const [own, other] of both) {
    class Own extends own.Refusal {}
    const refusal = new other.Refusal('too-late', 'come again tomorrow')
    const message = await messageOf(other)
    answers.push({
      refused: await said(own, { send: () => { throw refusal } }),
      changed: await said(own, { send: () => message }),
      shown: await said(own, { deliver: () => message }),
      is: [refusal instanceof own.Refusal, refusal instanceof own.StompError, new own.ProtocolError('bad-frame', 'x') instanceof other.StompError],
      isNot: [refusal instanceof Own, refusal instanceof own.ProtocolError, new Error('x') instanceof own.StompError, null instanceof own.Refusal],
      derived: [new Own('a', 'b') instanceof Own, new Own('a', 'b') instanceof other.Refusal],
    })
  }
  console.log(JSON.stringify({ areTwo: esm.Refusal !== cjs.Refusal, answers }))
`

test('a hook refuses, and changes messages, with what the other copy of the core has made', async () => {
  const args = ['--input-type=module', '--eval', program]
  const running = new RunningProgram(spawn(process.execPath, args, { cwd: `${root}/packages/net` }))
  try {
    const answer = {
      refused: { code: 'too-late', got: [], faults: [] },
      changed: { got: ['of another broker'], faults: [] },
      shown: { got: ['of another broker'], faults: [] },
      is: [true, true, true],
      isNot: [false, false, false, false],
      derived: [true, true],
    }
    expect(JSON.parse(await running.ends())).toEqual({ areTwo: true, answers: [answer, answer] })
  } finally {
    await running.stop()
  }
})

/** What is shown of errors, headers and a message, by both copies. */
const shown = `
  import { createRequire } from 'node:module'
  import { inspect } from 'node:util'
  import * as esm from '@xtomp/core'
  const cjs = createRequire(process.cwd() + '/')('@xtomp/core')

  const lines = []
  for (const { createBroker, Headers, ProtocolError, Refusal, StompError } of [esm, cjs]) {
    for (const error of [new StompError('a', 'no'), new ProtocolError('b', 'no'), new Refusal('c', 'no')])
      lines.push([inspect(error), error.stack, String(error)].map((text) => text.split('\\n')[0]).join(', '))
    lines.push(inspect(Headers.none).split(' ')[0])
    const broker = createBroker()
    broker.subscribe('/topic/a', {}, ({ message }) => lines.push(inspect(message).split(' ')[0]))
    broker.publish('/topic/a', 'one')
    await new Promise((resolve) => setImmediate(resolve))
    await broker.close()
  }
  console.log(JSON.stringify(lines))
`

test('prints errors, headers and messages by the names under which they are exported, once they are built', async () => {
  const args = ['--input-type=module', '--eval', shown]
  const running = new RunningProgram(spawn(process.execPath, args, { cwd: `${root}/packages/net` }))
  try {
    const named = ['StompError', 'ProtocolError', 'Refusal'].map((name) => Array(3).fill(`${name}: no`).join(', '))
    const lines = [...named, 'Headers', 'StoredMessage']
    expect(JSON.parse(await running.ends())).toEqual([...lines, ...lines])
  } finally {
    await running.stop()
  }
})
