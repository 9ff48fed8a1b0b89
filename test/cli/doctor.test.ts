/** `xtomp doctor`: each rule on recorded and hand-made machines, and how it is told. */

import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { COSTS } from '../../packages/cli/src/doctor/costs.js'
import { factsOf, type Machine, thisMachine } from '../../packages/cli/src/doctor/read-facts.js'
import { type Finding, findingsFor, RULES } from '../../packages/cli/src/doctor/rules.js'
import type { State, Wanted } from '../../packages/cli/src/doctor/verdict.js'
import { doctor } from '../../packages/cli/src/doctor.js'
import { run } from '../../packages/cli/src/program.js'
import { settingsOf } from '../../packages/core/src/broker/options.js'
import { subscriptionBytes } from '../../packages/core/src/destination/subscription.js'
import { settingsOf as listenSettingsOf } from '../../packages/net/src/socket/options.js'
import { root } from '../support/sources.js'
import { testStreams } from './streams.js'

const TREES = join(root, 'test/cli/doctor')
const MANY: Wanted = { connections: 100_000 }

/** A process on a machine that is one of the trees: the server, with what a fault puts in its place. */
function machine(fault?: string, process: Partial<Machine> = {}): Machine {
  const folder = mkdtempSync(join(tmpdir(), 'xtomp-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  cpSync(join(TREES, 'server'), folder, { recursive: true })
  if (fault !== undefined) cpSync(join(TREES, 'faults', fault), folder, { recursive: true })
  return { platform: 'linux', root: folder, isRoot: false, cores: 4, heapLimitBytes: 4 * 1024 ** 3, ...process }
}

/** The machine that this was written on, with nothing that names it: its control group is renamed, and what is in use there made up. */
function recorded(): Machine {
  return { ...machine(), root: join(TREES, 'recorded'), cores: 2, isRoot: true }
}

function found(machine: Machine, wanted = MANY): Finding[] {
  return findingsFor(factsOf(machine), wanted)
}

function namesOf(findings: readonly Finding[], state: State): string[] {
  return findings.filter((finding) => finding.state === state).map(({ rule }) => rule.name)
}

/** What a rule says of a machine, with its remedies as texts; those that root alone can use begin with #. */
function verdictOf(name: string, machine: Machine, wanted?: Wanted) {
  const finding = found(machine, wanted).find(({ rule }) => rule.name === name)
  if (finding === undefined) throw new Error(`there is no rule ${name}`)
  const { state, is, shouldBe, remedies } = finding
  return [state, is, shouldBe, ...remedies.map(({ text, needsRoot }) => (needsRoot ? `# ${text}` : text))]
}

const ULIMIT = "# echo '* - nofile 100100' > /etc/security/limits.d/90-xtomp.conf"
const LINE = '# LimitNOFILE=100100'
const OF_CONTAINER = '# docker run --ulimit nofile=100100:100100 IMAGE'

/** A tree, a rule, and what it says of it: state, what it is, what it should be, what sets it. */
const FAULTS: [tree: string, rule: string, ...verdict: string[]][] = [
  ['nr-open', 'nr_open', 'fault', '65,536', 'at least 100,100', '# sysctl -w fs.nr_open=100100'],
  ['file-max', 'file-max', 'fault', '101,000', 'at least 102,212', '# sysctl -w fs.file-max=102212'],
  ['unit', 'open files, of the unit', 'fault', '65,536', 'at least 100,100', LINE],
  ['unit-silent', 'open files, of the unit', 'fault', '65,536', 'at least 100,100', LINE],
  ['unit-by-default', 'open files, of the unit', 'fault', '70,000', 'at least 100,100', LINE],
  ['unit-instance', 'open files, of the unit', 'fault', '90,000', 'at least 100,100', LINE],
  ['hard', 'open files, hard', 'fault', '20,000', 'at least 100,100', ULIMIT, LINE],
  ['hard-in-container', 'open files, hard', 'fault', '20,000', 'at least 100,100', OF_CONTAINER],
  ['unit-silent', 'open files, hard', 'note', '65,536', 'at least 100,100'],
  ['hard', 'open files, soft', 'note', '20,000', 'at least 100,100'],
  ['soft', 'open files, soft', 'fault', '1,024', 'at least 100,100', 'ulimit -Sn 100100'],
  ['epoll', 'epoll watches', 'fault', '100,000', 'at least 100,100', '# sysctl -w fs.epoll.max_user_watches=100100'],
  ['somaxconn', 'somaxconn', 'fault', '128', 'at least 4,096', '# sysctl -w net.core.somaxconn=4096'],
  [
    ...(['syn-cookies', 'tcp_syncookies', 'note', '0, and 2,048'] as const),
    ...['1, or tcp_max_syn_backlog at least 5,462', '# sysctl -w net.ipv4.tcp_syncookies=1'],
  ],
  [
    'ports',
    'ephemeral ports',
    'note',
    '28,232',
    'at least 100,000, where the clients are on this machine',
    '# sysctl -w net.ipv4.ip_local_port_range="1024 65535"',
  ],
  [
    ...(['tcp-mem', 'tcp_mem', 'fault', '36 MiB', 'at least 391 MiB'] as const),
    '# sysctl -w net.ipv4.tcp_mem="75000 100000 150000"',
  ],
  [
    ...(['tcp-mem-scarce', 'tcp_mem', 'note', '299 MiB', 'at least 391 MiB'] as const),
    '# sysctl -w net.ipv4.tcp_mem="75000 100000 150000"',
  ],
  [
    ...(['tcp-rmem', 'tcp_rmem', 'fault', '1,048,576 1,048,576 6,291,456', 'the first at most 61,440'] as const),
    '# sysctl -w net.ipv4.tcp_rmem="4096 1048576 6291456"',
  ],
  [
    ...(['tcp-rmem-large', 'tcp_rmem', 'note', '131,072 131,072 6,291,456', 'the first at most 61,440'] as const),
    '# sysctl -w net.ipv4.tcp_rmem="4096 131072 6291456"',
  ],
  [
    ...(['tcp-wmem', 'tcp_wmem', 'fault', '1,048,576 1,048,576 4,194,304', 'the first at most 61,440'] as const),
    '# sysctl -w net.ipv4.tcp_wmem="4096 1048576 4194304"',
  ],
  [
    ...(['conntrack', 'conntrack, entries', 'fault', '65,536', 'at least 100,132'] as const),
    '# sysctl -w net.netfilter.nf_conntrack_max=100132',
  ],
  [
    ...(['conntrack-idle', 'conntrack, entries', 'note', '65,536', 'at least 100,000'] as const),
    '# sysctl -w net.netfilter.nf_conntrack_max=100000',
  ],
  [
    ...(['conntrack-buckets', 'conntrack, buckets', 'fault', '4,096', 'at least 25,033'] as const),
    '# sysctl -w net.netfilter.nf_conntrack_buckets=25033',
  ],
  [
    ...(['conntrack-lists', 'conntrack, buckets', 'note', '16,384', 'at least 25,033'] as const),
    '# sysctl -w net.netfilter.nf_conntrack_buckets=25033',
  ],
  ['memory', 'memory', 'fault', '500 MiB', 'at least 899 MiB'],
  ['memory-for-tcp', 'memory', 'note', '1,000 MiB', 'at least 899 MiB'],
  ['group-memory', 'memory, of the group', 'fault', '432 MiB', 'at least 899 MiB', '# MemoryMax=1026555904'],
  [
    'group-memory-above',
    'memory, of the group',
    'fault',
    '512 MiB',
    'at least 899 MiB',
    '# systemctl set-property system.slice MemoryMax=3090153472',
  ],
  ['group-memory-high', 'memory, of the group', 'fault', '432 MiB', 'at least 899 MiB', '# MemoryHigh=1026555904'],
  [
    ...(['container', 'memory, of the group', 'fault', '472 MiB', 'at least 899 MiB'] as const),
    '# docker update --memory=984612864 --memory-swap=984612864 CONTAINER',
  ],
  [
    ...(['group-version-1', 'memory, of the group', 'fault', '412 MiB', 'at least 899 MiB'] as const),
    '# echo 1047527424 > /sys/fs/cgroup/memory/jobs/memory.limit_in_bytes',
  ],
  ['group-pids', 'threads, of the group', 'fault', '30', 'at least 35', '# TasksMax=35'],
  ['container', 'threads, of the group', 'fault', '20', 'at least 26', '# docker update --pids-limit=26 CONTAINER'],
  [
    ...(['group-version-1', 'threads, of the group', 'fault', '30', 'at least 34'] as const),
    '# echo 34 > /sys/fs/cgroup/pids/jobs/pids.max',
  ],
  ['container', 'workers', 'note', '1 on 0.5 processors', 'at most 0.5'],
]

describe('a rule', () => {
  test.each(FAULTS)('finds in the tree %s, by %s: %s, %s; %s', (tree, rule, ...verdict) => {
    expect(verdictOf(rule, machine(tree))).toEqual(verdict)
  })

  test('finds nothing wrong with a server that has enough', () => {
    const findings = found(machine())
    expect(findings.filter(({ state }) => state !== 'fine').map(({ rule }) => rule.name)).toEqual(['ephemeral ports'])
    expect(findings.filter(({ state, remedies }) => state === 'fine' && remedies.length > 0)).toEqual([])
  })

  test('finds in a machine as it was recorded what stops 100,000 connections, and nothing that stops 10,000', () => {
    expect(namesOf(found(recorded()), 'fault')).toEqual(['open files, hard'])
    expect(namesOf(found(recorded()), 'unseen')).toEqual([])
    expect(verdictOf('open files, hard', recorded()).at(3)).toBe(OF_CONTAINER)
    expect(namesOf(found(recorded(), { connections: 10_000 }), 'fault')).toEqual([])
  })

  test('counts one cause once: what follows from it is a note, without a remedy of its own', () => {
    expect(namesOf(found(machine('hard')), 'fault')).toEqual(['open files, hard'])
    expect(namesOf(found(machine('unit-silent')), 'fault')).toEqual(['open files, of the unit'])
  })

  test('advises root to raise a hard limit only where root may: not where that right was taken away', () => {
    expect(verdictOf('open files, hard', machine('hard', { isRoot: true })).slice(3)).toEqual([OF_CONTAINER])
    expect(verdictOf('open files, hard', machine('hard-of-root', { isRoot: true })).slice(3)).toEqual([
      '# ulimit -Hn 100100',
      LINE,
    ])
  })

  test('asks for no unit inside a container', () => {
    const million = { connections: 1_000_000 }
    expect(verdictOf('open files, of the unit', machine('hard-in-container'), million)).toEqual([
      ...['fine', 'a container', 'any'],
    ])
  })

  test('says of a million connections what none before it does', () => {
    const million = { connections: 1_000_000 }
    expect(verdictOf('limits.totalBytes', machine(), million)).toEqual([
      ...['fault', '256 MiB', 'at least 429 MiB'],
      'broker.limits.totalBytes: 900726784',
    ])
    expect(verdictOf('heap', machine(undefined, { heapLimitBytes: 1024 ** 3 }), million)).toEqual([
      ...['fault', '1,024 MiB', 'at least 2,414 MiB'],
      'export NODE_OPTIONS=--max-old-space-size=2671',
      '# Environment=NODE_OPTIONS=--max-old-space-size=2671',
    ])
  })

  test('notes where little is left for messages', () => {
    expect(verdictOf('limits.totalBytes', machine(), { connections: 400_000 })[0]).toBe('note')
    expect(verdictOf('heap', machine(undefined, { heapLimitBytes: 400 * 1024 ** 2 }))[0]).toBe('note')
  })

  test('divides by workers what each has for itself, and not what they share', () => {
    const wanted = { connections: 100_000, workers: 4 }
    expect(verdictOf('open files, hard', machine(), wanted)[2]).toBe('at least 25,785')
    expect(verdictOf('nr_open', machine(), wanted)[2]).toBe('at least 25,785')
    expect(verdictOf('limits.totalBytes', machine(), wanted)[2]).toBe('at least 11 MiB')
    expect(verdictOf('file-max', machine(), wanted)[2]).toBe('at least 102,612')
    expect(verdictOf('epoll watches', machine(), wanted)[2]).toBe('at least 100,500')
    expect(verdictOf('somaxconn', machine(), { connections: 8_000, workers: 4 })[2]).toBe('at least 4,096')
    expect(verdictOf('memory', machine(), wanted)[2]).toBe('at least 1,139 MiB')
    expect(verdictOf('workers', machine(), wanted)).toEqual(['fine', '4 on 4 processors', 'at most 4'])
    expect(verdictOf('workers', machine(), { ...wanted, workers: 5 })).toEqual([
      ...['note', '5 on 4 processors', 'at most 4'],
    ])
    expect(verdictOf('workers', machine('group-version-1'), wanted)[1]).toBe('4 on 1.5 processors')
  })

  test('counts the primary, a process beside the workers, even beside a single one', () => {
    const [alone, worker] = [{ connections: 100_000 }, { connections: 100_000, workers: 1 }]
    expect(verdictOf('threads, of the group', machine(), alone)[2]).toBe('at least 35')
    expect(verdictOf('threads, of the group', machine(), worker)[2]).toBe('at least 59')
    expect(verdictOf('threads, of the group', machine('group-pids'), { ...worker, workers: 4 }).slice(2)).toEqual([
      ...['at least 131', '# TasksMax=131'],
    ])
    expect(verdictOf('memory', machine(), worker)[2]).toBe('at least 959 MiB')
    expect(verdictOf('memory, of the group', machine('group-memory'), worker)[2]).toBe('at least 959 MiB')
    expect(verdictOf('file-max', machine(), worker)[2]).toBe('at least 102,312')
    expect(verdictOf('open files, hard', machine(), worker)[2]).toBe('at least 100,100')
  })

  test('leaves room for the worker that is drawn more often than others, and never for more than there are', () => {
    const inFives = verdictOf('open files, hard', recorded(), { ...MANY, workers: 5 })
    expect(inFives).toEqual([
      ...['fault', '20,000', 'at least 20,733', '# docker run --ulimit nofile=24100:24100 IMAGE'],
    ])
    const few = { connections: 3, workers: 2 }
    expect(verdictOf('open files, hard', recorded(), few)).toEqual(['fine', '20,000', 'at least 103'])
    const named = verdictOf('open files, of the unit', machine('unit'), { ...MANY, workers: 2 })
    expect(named).toEqual(['fine', '65,536', 'at least 50,891'])
  })

  test('notes where files are enough if the system spreads connections, and too few if a primary deals them out', () => {
    const wanted = { connections: 1_000_000, workers: 53 }
    expect(verdictOf('open files, hard', recorded(), wanted)).toEqual([
      ...['note', '20,000', 'at least 19,649', 'listeners[].reusePort: true'],
      '# docker run --ulimit nofile=22742:22742 IMAGE',
    ])
    expect(verdictOf('open files, hard', recorded(), { ...wanted, workers: 70 })[0]).toBe('fine')
  })

  test('names no unit outside of one, but the line that a unit needs beyond what systemd gives by itself', () => {
    expect(verdictOf('open files, of the unit', machine('shell'))).toEqual(['fine', 'no unit', 'at least 100,100'])
    const million = { connections: 1_000_000 }
    expect(verdictOf('open files, of the unit', machine('shell'), million)).toEqual([
      ...['note', 'no unit', 'at least 1,000,100', '# LimitNOFILE=1000100'],
    ])
  })

  test('does not see the unit of a user, whose files are elsewhere', () => {
    expect(verdictOf('open files, of the unit', machine('unit-of-a-user'))[0]).toBe('unseen')
  })

  test.each(RULES.map((rule) => [rule.name]))('%s finds a fault or a note in some test', (name) => {
    const inProcess = ['heap', 'limits.totalBytes', 'workers']
    expect([...FAULTS.map(([, rule]) => rule), ...inProcess]).toContain(name)
  })

  test('is tried on every tree', () => {
    const tried = new Set(FAULTS.map(([tree]) => tree)).add('shell').add('unit-of-a-user').add('hard-of-root')
    expect([...tried].sort()).toEqual(readdirSync(join(TREES, 'faults')).sort())
  })
})

describe('what cannot be seen', () => {
  test('on another system is told, by what would tell it on Linux, and is not in the way', () => {
    const findings = found({ ...machine(), platform: 'darwin' })
    expect(namesOf(findings, 'fine')).toEqual(['heap', 'limits.totalBytes', 'workers'])
    expect(namesOf(findings, 'unseen')).toHaveLength(RULES.length - 3)
    expect(findings[0]).toMatchObject({ because: '/proc/sys/fs/nr_open: only on Linux, this is darwin' })
    const streams = testStreams()
    expect(doctor({ ...MANY, isJson: false }, streams, { ...machine(), platform: 'darwin' })).toBe(0)
    expect(streams.stdout.text).toContain(
      '100,000 connections: nothing is in the way, of what can be seen; 17 cannot\n',
    )
  })

  test('of Linux, where nothing can be read, is told likewise', () => {
    const findings = found({ ...machine(), root: join(TREES, 'nowhere') })
    expect(namesOf(findings, 'unseen')).toHaveLength(RULES.length - 3)
    expect(findings[0]).toMatchObject({ because: '/proc/sys/fs/nr_open: not to be read' })
  })

  test('is not what a process on Linux always sees of its own', ({ skip }) => {
    if (process.platform !== 'linux') skip('only Linux tells in /proc')
    const findings = found(thisMachine(), { connections: 1 })
    const always = ['open files, hard', 'open files, soft', 'memory', 'tcp_mem', 'tcp_rmem', 'tcp_wmem']
    expect(namesOf(findings, 'fine')).toEqual(expect.arrayContaining(always))
  })
})

describe('the answer', () => {
  function said(machine: Machine, options: { isTTY?: boolean; isJson?: boolean } = {}) {
    const { isTTY = false, isJson = false } = options
    const streams = testStreams({ isTTY })
    const code = doctor({ ...MANY, isJson }, streams, machine)
    return { code, output: streams.stdout.text, errors: streams.stderr.text }
  }

  test('is a line for each rule, and then what sets those that are too little', () => {
    const { code, output, errors } = said(machine('somaxconn'))
    expect({ code, errors }).toEqual({ code: 1, errors: '' })
    expect(output.split('\n').slice(0, RULES.length).join('\n')).not.toMatch(/^(?!(fine|note|fault) )/m)
    expect(output).toContain('\nfault  somaxconn: 128; at least 4,096\n')
    expect(output).toMatch(/\nfault somaxconn: .*\n {2}as root: sysctl -w net\.core\.somaxconn=4096\n/)
    expect(output).toContain('/etc/sysctl.d/90-xtomp.conf keeps it')
    expect(output).toMatch(/\n100,000 connections: 1 in the way\n$/)
  })

  test('says where the handbook has more, only where there is something to read up', () => {
    expect(said(machine('somaxconn')).output).toMatch(
      /\n\nWhat .*: docs\/handbook\/scaling\.md of xtomp, .*\n\n100,000/,
    )
    expect(said(machine('ports'), { isJson: true }).output).not.toContain('handbook')
  })

  test('names the line of a unit, and the setting of a configuration', () => {
    expect(said(machine('unit')).output).toContain("\n  in the unit's [Service], as root: LimitNOFILE=100100\n")
    const streams = testStreams()
    doctor({ connections: 1_000_000, isJson: false }, streams, machine())
    expect(streams.stdout.text).toContain('\n  in the configuration: broker.limits.totalBytes: 900726784\n')
  })

  test('is 0 and one line of sum where nothing is in the way', () => {
    const { code, output } = said(machine())
    expect(code).toBe(0)
    expect(output).toMatch(/\n100,000 connections: nothing is in the way\n$/)
    expect(output).not.toContain('\u001b')
  })

  test('is a table on a terminal, in colour unless NO_COLOR asks for none', () => {
    const { output } = said(machine('somaxconn'), { isTTY: true })
    expect(output).toMatch(/│ \u001b\[31mfault\u001b\[39m\s+│ somaxconn\s+│ 128\s+│ at least 4,096\s+│/)
    vi.stubEnv('NO_COLOR', '1')
    onTestFinished(() => void vi.unstubAllEnvs())
    const plain = said(machine('somaxconn'), { isTTY: true }).output
    expect(plain).toContain('│')
    expect(plain).not.toContain('\u001b')
  })

  test('is one line of JSON where it is asked for, with the same exit code', () => {
    const { code, output } = said(machine('somaxconn'), { isJson: true })
    expect(code).toBe(1)
    expect(output.match(/\n/g)).toHaveLength(1)
    const answer = JSON.parse(output)
    expect(answer).toMatchObject({ ...MANY, platform: 'linux', inTheWay: 1 })
    expect(answer.rules.map(({ name }: { name: string }) => name)).toEqual(RULES.map(({ name }) => name))
    expect(answer.rules).toContainEqual({
      name: 'somaxconn',
      about: expect.any(String),
      state: 'fault',
      is: '128',
      shouldBe: 'at least 4,096',
      remedies: [{ kind: 'command', text: 'sysctl -w net.core.somaxconn=4096', needsRoot: true }],
    })
  })

  test('of the command is that of this machine', async () => {
    const streams = testStreams()
    const args = ['doctor', '--connections', String(2 ** 32), '--workers', '2', '--json']
    expect(await run(args, { streams, stop: () => new AbortController().signal })).toBe(1)
    const { rules, ...rest } = JSON.parse(streams.stdout.text)
    expect(rest).toMatchObject({ connections: 2 ** 32, workers: 2, platform: process.platform })
    expect(rules).toHaveLength(RULES.length)
  })
})

describe('the figures', () => {
  test('are those of the broker, where they are defaults of its own', () => {
    expect(COSTS.totalBytes).toBe(settingsOf({}).limits.totalBytes)
    expect(COSTS.backlog).toBe(listenSettingsOf({}).backlog)
    const counted = subscriptionBytes({ id: 'sub-0', destination: '/topic/prices.eu.orders' })
    expect(COSTS.subscriptionBytes).toBeGreaterThanOrEqual(counted)
    expect(COSTS.subscriptionBytes).toBeLessThan(counted * 1.2)
  })

  test('are not below what docs/performance.md measured', () => {
    const measured = readFileSync(join(root, 'docs/performance.md'), 'utf8')
    const [, tcp = ''] =
      /^\| memory of an idle subscribed connection.*as it stands \| [\d,]+ bytes \| ([\d,]+) bytes/m.exec(measured) ??
      []
    expect(COSTS.tcpBytes).toBeGreaterThanOrEqual(Number(tcp.replace(',', '')))
    expect(tcp).not.toBe('')
  })
})
