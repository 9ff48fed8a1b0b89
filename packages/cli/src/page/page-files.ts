/** The files of the page: its own, and the client that it speaks with; read once. */

import { createHash } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, extname, join } from 'node:path'

/** A file as it is sent. */
export interface PageFile {
  readonly type: string
  readonly body: Buffer
  /** Says which content it is: a browser that has it already need not be sent it again. */
  readonly etag: string
}

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.svg': 'image/svg+xml',
}

/** Every file by its path; the page itself is at `/`, and speaks STOMP at `stompPath`. */
export function pageFiles(stompPath: string): ReadonlyMap<string, PageFile> {
  const require = createRequire(import.meta.url)
  const folder = join(dirname(require.resolve('xtomp/config.schema.json')), 'page')
  const files = new Map<string, PageFile>()
  for (const name of readdirSync(folder)) {
    const body = readFileSync(join(folder, name))
    if (name === 'index.html') files.set('/', fileOf(name, Buffer.from(withPath(body.toString(), stompPath))))
    else files.set(`/${name}`, fileOf(name, body))
  }
  // As its authors have built it for browsers, in one file.
  const stompjs = join(dirname(require.resolve('@stomp/stompjs')), 'stomp.umd.min.js')
  files.set('/stomp.js', fileOf('stomp.js', readFileSync(stompjs)))
  return files
}

function withPath(html: string, stompPath: string): string {
  return html.replace(
    'content="/stomp"',
    `content="${stompPath.replace(/[&"<>]/g, (sign) => `&#${sign.charCodeAt(0)};`)}"`,
  )
}

function fileOf(name: string, body: Buffer): PageFile {
  const etag = `"${createHash('sha256').update(body).digest('base64url').slice(0, 22)}"`
  return { type: TYPES[extname(name)] ?? 'application/octet-stream', body, etag }
}
