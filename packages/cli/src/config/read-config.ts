/** Reads a configuration file, whatever its kind: JSON, YAML, or a module. */

import { realpathSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { extname, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { documentOf, type ReadConfig } from './document.js'

/** A file that there is not, that may not be read, or that is of no known kind; the message is one line. */
export class UnreadableError extends Error {
  override readonly name = 'UnreadableError'
}

const TEXTS: readonly string[] = ['.json', '.yaml', '.yml']
const MODULES: readonly string[] = ['.js', '.mjs', '.cjs']

const REASONS: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such file',
  EACCES: 'it may not be read',
  EISDIR: 'it is a folder',
}

/**
 * Reads a file; a module is run.
 * @throws UnreadableError where it cannot be read
 */
export async function readConfig(file: string): Promise<ReadConfig> {
  const kind = extname(file).toLowerCase()
  if (MODULES.includes(kind)) return readModule(file)
  if (TEXTS.includes(kind)) return readText(file, kind === '.json' ? 'json' : 'yaml')
  const kinds = [...TEXTS, ...MODULES].join(', ')
  throw new UnreadableError(`${file}: the name of a configuration must end in one of ${kinds}`)
}

async function readText(file: string, kind: 'json' | 'yaml'): Promise<ReadConfig> {
  let text: string
  try {
    text = await readFile(file, 'utf8')
  } catch (error) {
    throw new UnreadableError(`${file}: ${reasonOf(error)}`)
  }
  try {
    return documentOf(text.replace(/^\uFEFF/, ''), kind)
  } catch (error) {
    throw new UnreadableError(`${file}: ${messageOf(error)}`)
  }
}

async function readModule(file: string): Promise<ReadConfig> {
  // What Node says of a file that there is not names the module that asked for it: that is this one.
  await readFile(file).catch((error: unknown) => {
    throw new UnreadableError(`${file}: ${reasonOf(error)}`)
  })
  try {
    const module = (await import(pathToFileURL(resolve(file)).href)) as { readonly default?: unknown }
    // Of a CommonJS module without `module.exports = …` Node makes an empty object.
    const isNothing = module.default === undefined || (isCommonJs(file) && isEmpty(module.default))
    if (isNothing)
      throw new TypeError('it exports no options: a module exports them as its default, or as module.exports')
    return { data: module.default, isModule: true, problems: [], placeOf: () => undefined }
  } catch (error) {
    throw new UnreadableError(`${file}: ${messageOf(error)}`, { cause: error })
  }
}

/** Whether a module that has been run is CommonJS: those alone are in this list. */
function isCommonJs(file: string): boolean {
  return createRequire(import.meta.url).cache[realpathSync(file)] !== undefined
}

function isEmpty(exported: unknown): boolean {
  return typeof exported === 'object' && exported !== null && Object.keys(exported).length === 0
}

function reasonOf(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? String(error.code) : ''
  return REASONS[code] ?? messageOf(error)
}

function messageOf(error: unknown): string {
  const { message } = Object(error) as { message?: unknown }
  return (typeof message === 'string' ? message : String(error)).split('\n', 1)[0] ?? ''
}
