/** Other programs, run to their end, or until they have printed what they should. */

import { spawn } from 'node:child_process'

/** After this much time a program has failed. */
const TIMEOUT_MS = 120_000

/** Runs a command to its end, and answers what it printed. An exit code other than 0 is an error that shows that, too. */
export async function execute(command, args, cwd) {
  const { code, output } = await run(command, args, cwd, () => false)
  if (code !== 0) throw new Error(`${command} ${args.join(' ')} ended with ${code}\n${output}`)
  return output
}

/** Runs a command until it has printed `wanted`, whatever stands around it, and then ends it. */
export async function prints(wanted, command, args, cwd) {
  const { code, output } = await run(command, args, cwd, (printed) => printed.includes(wanted))
  if (!output.includes(wanted)) throw new Error(`it ended with ${code} and did not print\n${wanted}\nbut\n${output}`)
}

function run(command, args, cwd, isEnough) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, {
      cwd,
      stdio: ['ignore', 'pipe', 'pipe'],
      timeout: TIMEOUT_MS,
      killSignal: 'SIGKILL',
    })
    let output = ''
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (text) => {
        output += text
        if (isEnough(output)) child.kill('SIGKILL')
      })
    }
    child.on('error', reject)
    child.on('close', (code, signal) => resolve({ code: code ?? signal, output }))
  })
}
