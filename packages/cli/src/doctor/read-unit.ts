/** The systemd unit that a process is part of, and what its files say of open files. */

import type { Maybe, SoftAndHard, Unit } from './facts.js'
import { unitPath } from './read-groups.js'
import { numberOf, type Tree } from './tree.js'

/** The first that has a file goes before the others. */
const FOLDERS = ['/etc/systemd/system', '/run/systemd/system', '/usr/lib/systemd/system', '/lib/systemd/system']

/** 'none' where it is no service: a shell's session is a scope, and what is started there is bound by the login. */
export function unitOf(tree: Tree): Maybe<Unit> {
  const path = unitPath(tree)
  if (path === undefined) return undefined
  const name = path.split('/').at(-1) ?? ''
  if (!name.endsWith('.service')) return 'none'
  const isUsers = /\/user@\d+\.service\//.test(path)
  return { name, isUsers, openFiles: isUsers ? undefined : openFilesOf(tree, name) }
}

/** What the last line of all its files says: that is the one that holds. */
function openFilesOf(tree: Tree, name: string): SoftAndHard | undefined {
  // Instances, such as xtomp@1.service, share the files of xtomp@.service.
  const names = [name, name.replace(/@.+\.service$/, '@.service')]
  const own = names.flatMap((name) => FOLDERS.map((folder) => `${folder}/${name}`))
  const files = [own.find((path) => tree.text(path) !== undefined), ...dropInsOf(tree, own)]
  const texts = files.map((path) => (path === undefined ? '' : (tree.text(path) ?? '')))
  return limitIn(texts.join('\n'), 'LimitNOFILE') ?? byDefault(tree)
}

/** Drop-ins, in the order of their names; of two with the same name that of the folder that goes before. */
function dropInsOf(tree: Tree, own: readonly string[]): string[] {
  const byName = new Map<string, string>()
  for (const path of own)
    for (const name of tree.names(`${path}.d`))
      if (name.endsWith('.conf') && !byName.has(name)) byName.set(name, `${path}.d/${name}`)
  return [...byName].sort(([one], [other]) => (one < other ? -1 : 1)).map(([, path]) => path)
}

function byDefault(tree: Tree): SoftAndHard | undefined {
  return limitIn(tree.text('/etc/systemd/system.conf') ?? '', 'DefaultLimitNOFILE')
}

/** `soft:hard`, or one number for both; the last line with that name. */
function limitIn(text: string, name: string): SoftAndHard | undefined {
  const value = [...text.matchAll(new RegExp(`^\\s*${name}=(.*)$`, 'gm'))].at(-1)?.[1]?.trim() ?? ''
  const [soft, hard = soft] = value.split(':').map(numberOf)
  return soft === undefined || hard === undefined ? undefined : { soft, hard }
}
