/** `xtomp bench` on the command line: what it prints, where, and its exit codes. */

import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Refusal } from '@xtomp/core'
import { describe, expect, onTestFinished, test } from 'vitest'
import { run } from '../../packages/cli/src/program.js'
import { testStreams } from '../cli/streams.js'
import { served } from './served.js'

async function ran(args: readonly string[], isTTY = false) {
  const streams = testStreams({ isTTY })
  const code = await run(['bench', ...args], { streams, stop: () => new AbortController().signal })
  return { code, output: streams.stdout.text, errors: streams.stderr.text }
}

function folder(): string {
  const path = mkdtempSync(join(tmpdir(), 'xtomp-bench-'))
  onTestFinished(() => rmSync(path, { recursive: true, force: true }))
  return path
}

const WORKLOADS = ['connect', 'hold', 'fanout', 'queue', 'echo', 'churn', 'storm']

test('help names every workload, and each says what it takes, with examples', async () => {
  const { code, output } = await ran(['--help'])
  expect(code).toBe(0)
  for (const workload of WORKLOADS) {
    expect(output).toContain(`  ${workload} `)
    const help = await ran([workload, '--help'])
    expect(help.code).toBe(0)
    for (const word of [`Usage: xtomp bench ${workload}`, 'Examples:', '--report', '--pid', 'XTOMP_URL']) {
      expect(help.output).toContain(word)
    }
  }
})

test("the package's README names every option and every workload", async () => {
  const readme = readFileSync(new URL('../../packages/bench/README.md', import.meta.url), 'utf8')
  for (const workload of WORKLOADS) {
    expect(readme).toContain(`| \`${workload}\` |`)
    const { output } = await ran([workload, '--help'])
    const names = output.match(/(?<= )--[a-z-]+/g) ?? []
    expect(names.filter((name) => name !== '--help' && !readme.includes(`\`${name}`))).toEqual([])
  }
})

test('a table is printed, and nothing else', async () => {
  const { url } = await served()
  const { code, output, errors } = await ran(['echo', '--url', url, '--messages', '50'])
  expect({ code, errors }).toEqual({ code: 0, errors: '' })
  expect(output).toContain(`echo  ${url}  connections 1, body bytes 64, messages 50, 1 process of clients\n`)
  expect(output).toMatch(/^deliveries in all +50$/m)
  expect(output).toMatch(/^delivery, p99 +[\d.]+ (µs|ms)$/m)
})

test('on a terminal a line says how it goes, and is gone at the end', async () => {
  const { url } = await served()
  const { code, errors } = await ran(['fanout', '--url', url, '--subscribers', '20', '--seconds', '1'], true)
  expect(code).toBe(0)
  const lines = errors.split('\r\u001b[K')
  expect(lines.at(-1)).toBe('')
  expect(
    lines.some((line) =>
      /^fanout {2}\d s {2}21 connections {2}[\d,]+\/s {2}p50 [\d.]+ .s {2}p99 [\d.]+ .s {2}max /.test(line),
    ),
  ).toBe(true)
  expect(Math.max(...lines.map((line) => line.length))).toBeLessThan(100)
})

test('with --json all of it is JSON', async () => {
  const { url } = await served()
  const { output } = await ran(['queue', '--url', url, '--messages', '200', '--json', '--pid', String(process.pid)])
  const result = JSON.parse(output)
  expect(result).toMatchObject({ workload: 'queue', broker: url, isOk: true, work: { sent: 200, received: 200 } })
  expect(result.work.times.curve.at(-1)).toEqual([100, result.work.times.maxUs])
  expect(result.server.bytesAfter).toBeGreaterThan(1_000_000)
  expect(result.node).toBe(process.version)
})

describe('--compare', () => {
  test('runs both in turn, and prints medians and ratios', async () => {
    const [one, other] = [await served(), await served()]
    const came: string[] = []
    one.broker.on('open', () => came.push('one'))
    other.broker.on('open', () => came.push('other'))
    const to = other.url.replace('stomp://', '')
    const args = ['echo', '--url', one.url, '--compare', to, '--rounds', '2', '--messages', '30']
    const { code, output } = await ran(args)
    expect(code).toBe(0)
    expect(came).toEqual(['one', 'other', 'one', 'other', 'one', 'other'])
    expect(output).toMatch(new RegExp(`^ +${one.url}  ${other.url} +ratio$`, 'm'))
    expect(output).toMatch(/^deliveries in all +30 +30 +1\.00 ×$/m)
    const { lines, runs } = JSON.parse((await ran([...args, '--json'])).output)
    expect(runs).toHaveLength(2)
    const [rate] = lines.filter(({ title }: { title: string }) => title === 'deliveries')
    const rates = [0, 1].map((which) => (runs[0][which].work.perSecond + runs[1][which].work.perSecond) / 2)
    expect(rate.medians).toEqual(rates)
    expect(rate.ratio).toBeCloseTo((rates[0] ?? 0) / (rates[1] ?? 1))
  })

  test('holds once with each and warms up neither: what a broker had for others, it has already', async () => {
    const [one, other] = [await served(), await served()]
    let opened = 0
    for (const { broker } of [one, other]) broker.on('open', () => opened++)
    const args = ['hold', '--url', one.url, '--compare', other.url, '--connections', '5', '--seconds', '1', '--json']
    expect(JSON.parse((await ran(args)).output).runs).toHaveLength(1)
    expect(opened).toBe(10)
  })

  test('ends where one of them fails', async () => {
    const { url } = await served()
    const { code, errors } = await ran(['echo', '--url', url, '--compare', '127.0.0.1:9', '--messages', '5'])
    expect(code).toBe(1)
    expect(errors).toBe(
      'xtomp: nobody listens at stomp://127.0.0.1:9 (ECONNREFUSED): start a broker, or say where it is with --url\n',
    )
  })
})

test.each(['--pid', '--compare-pid'])('says of a %s that is no process before anything is measured', async (name) => {
  const { url, broker } = await served()
  let opened = 0
  broker.on('open', () => opened++)
  const { code, output, errors } = await ran(['echo', '--url', url, '--messages', '5', name, String(2 ** 22 + 1)])
  expect({ code, output, opened }).toEqual({ code: 2, output: '', opened: 0 })
  expect(errors).toMatch(/^xtomp: there is no process 4194305 to look at/)
})

describe('--report', () => {
  test('writes one page that has its charts, its figures and nothing of elsewhere', async () => {
    const { url } = await served()
    const file = join(folder(), 'report.html')
    const { code } = await ran(['echo', '--url', url, '--messages', '100', '--report', file])
    expect(code).toBe(0)
    const page = readFileSync(file, 'utf8')
    const [, json = ''] = /<script type="application\/json" id="runs">(.*?)<\/script>/s.exec(page) ?? []
    const [result] = JSON.parse(json)
    expect(result).toMatchObject({ workload: 'echo', broker: url, work: { received: 100 } })
    expect(result.samples.length).toBeGreaterThan(0)
    expect(page).toContain('var uPlot=')
    expect(page).toContain("default-src 'none'")
    expect(page).not.toMatch(
      /<(link|img|iframe|base|object|embed)\b|\b(src|href)=|@import|url\(|\bfetch\(|XMLHttpRequest|import\(/,
    )
  })

  test('says before anything is measured where it cannot be written, with exit code 2', async () => {
    const { url, broker } = await served()
    let opened = 0
    broker.on('open', () => opened++)
    const file = join(folder(), 'no', 'report.html')
    const { code, output, errors } = await ran(['echo', '--url', url, '--messages', '5', '--report', file])
    expect({ code, output, opened }).toEqual({ code: 2, output: '', opened: 0 })
    expect(errors).toMatch(/^xtomp: --report .*report\.html cannot be written: ENOENT/)
  })

  test('says after all where it cannot be written any more', async () => {
    const { url, broker } = await served()
    const place = folder()
    broker.on('open', () => rmSync(place, { recursive: true, force: true }))
    const file = join(place, 'report.html')
    const { code, output, errors } = await ran(['echo', '--url', url, '--messages', '5', '--report', file])
    expect(code).toBe(1)
    expect(output).toMatch(/^deliveries in all +5$/m)
    expect(errors).toMatch(/^xtomp: .*report\.html cannot be written: ENOENT/)
  })

  test('leaves what is there as it is until there is a page', async () => {
    const file = join(folder(), 'report.html')
    const args = ['echo', '--url', 'stomp://127.0.0.1:9', '--sources', '1', '--compare', 'nowhere', '--report', file]
    expect((await ran(args)).code).toBe(2)
    expect(existsSync(file)).toBe(false)
    writeFileSync(file, 'an earlier page')
    expect((await ran(args)).code).toBe(2)
    expect(readFileSync(file, 'utf8')).toBe('an earlier page')
  })

  test('holds nothing that a broker says as markup', async () => {
    const authenticate = () => {
      throw new Refusal('not-you', '</script><b>')
    }
    const { url } = await served('tcp', { hooks: { authenticate } })
    const file = join(folder(), 'report.html')
    const { code, errors } = await ran(['echo', '--url', url, '--report', file])
    expect(code).toBe(1)
    expect(errors).toContain('</script><b>')
    const page = readFileSync(file, 'utf8')
    expect(page).not.toContain('<b>')
    expect(page).toContain('&lt;/script>&lt;b>')
  })
})

test.each<[string[], string]>([
  [['echo', '--connections', 'many'], "--connections must be a whole number from 1 to 4000000; given 'many'"],
  [['fanout', '--subscribers', '0'], "--subscribers must be a whole number from 1 to 4000000; given '0'"],
  [['queue', '--ack', 'never'], 'Allowed choices are auto, client, client-individual'],
  [['echo', '--url', 'http://ann:secret@host'], "a broker's URL must be stomp://host:port"],
  [['echo', '--compare', 'nowhere'], 'the other broker must be host:port, or a URL'],
  [['echo', '--ca', '/no/such/file'], '--ca /no/such/file cannot be read'],
  [['eco'], "unknown command 'eco'"],
])('%j makes no sense: exit code 2', async (args, message) => {
  const { code, output, errors } = await ran(args)
  expect({ code, output }).toEqual({ code: 2, output: '' })
  expect(errors).toContain(message)
  expect(errors).not.toContain('secret')
})

test('a certificate that is given by its file is enough', async () => {
  const { url, ca = '' } = await served('tls')
  const file = join(folder(), 'ca.pem')
  writeFileSync(file, ca)
  expect((await ran(['echo', '--url', url, '--ca', file, '--messages', '3'])).code).toBe(0)
})
