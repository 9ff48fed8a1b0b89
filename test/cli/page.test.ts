/** The page's files, as they are asked for: what is served, how, and what is not. */

import { once } from 'node:events'
import { readdirSync, readFileSync } from 'node:fs'
import { createServer, request } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { servePage } from '../../packages/cli/src/page/serve-page.js'
import { root } from '../support/sources.js'

const folder = join(root, 'packages/cli/page')

async function served(stompPath = '/stomp'): Promise<string> {
  const server = createServer(servePage(stompPath)).listen(0, '127.0.0.1')
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  await once(server, 'listening')
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

/** A policy, by what it rules. */
function policyOf(answer: Response): Record<string, string> {
  const rules = (answer.headers.get('content-security-policy') ?? '').split('; ')
  return Object.fromEntries(rules.map((rule) => rule.split(/ (.*)/s) as [string, string]))
}

test('serves every file of the page with its type, and stompjs as its authors built it', async () => {
  const url = await served()
  const types = { html: 'text/html', css: 'text/css', js: 'text/javascript', svg: 'image/svg+xml' }
  for (const name of readdirSync(folder)) {
    const answer = await fetch(`${url}/${name.replace('index.html', '')}`)
    expect(answer.status, name).toBe(200)
    expect(answer.headers.get('content-type')).toContain(types[name.split('.').at(-1) as keyof typeof types])
    expect(await answer.text()).toBe(readFileSync(join(folder, name), 'utf8'))
  }
  const stompjs = join(root, 'packages/cli/node_modules/@stomp/stompjs/bundles/stomp.umd.min.js')
  expect(await (await fetch(`${url}/stomp.js`)).text()).toBe(readFileSync(stompjs, 'utf8'))
})

test('needs no file that is not served, and none from elsewhere', async () => {
  const url = await served()
  const texts = readdirSync(folder).map((name) => readFileSync(join(folder, name), 'utf8'))
  const named = texts.flatMap((text) => [...text.matchAll(/(?:src|href)="([^"?]+)"|from '([^']+)'/g)])
  const files = new Set(named.map(([, linked, imported]) => linked ?? imported ?? ''))
  expect(files.size).toBeGreaterThan(5)
  for (const file of files) expect((await fetch(new URL(file, `${url}/`))).status, file).toBe(200)
  expect(texts.flatMap((text) => text.match(/https?:\/\/(?!www\.w3\.org\/2000\/svg)[^"\s]*/g) ?? [])).toEqual([])
})

test('tells the page where the broker speaks STOMP', async () => {
  const url = await served('/a"b>/stomp')
  expect(await (await fetch(url)).text()).toContain('<meta name="stomp-path" content="/a&#34;b&#62;/stomp" />')
})

test('answers HEAD without a body, and 304 to whoever has it already', async () => {
  const url = await served()
  const head = await fetch(`${url}/page.css`, { method: 'HEAD' })
  expect(Number(head.headers.get('content-length'))).toBe(readFileSync(join(folder, 'page.css')).length)
  expect(await head.text()).toBe('')
  const etag = head.headers.get('etag') ?? ''
  const same = await fetch(`${url}/page.css`, { headers: { 'if-none-match': `"other", ${etag}` } })
  expect([same.status, await same.text(), same.headers.get('etag')]).toEqual([304, '', etag])
  const other = await fetch(`${url}/page.css`, { headers: { 'if-none-match': '"other"' } })
  expect(other.status).toBe(200)
})

test('says what there is to whoever asks for something else, and how to ask', async () => {
  const url = await served()
  const unknown = await fetch(`${url}/%2e%2e/package.json?a`)
  expect(unknown.status).toBe(404)
  expect(await unknown.text()).toMatch(/^nothing at \/package\.json; there is .*\/, .*\/page\.js/)
  const long = await fetch(`${url}/${'x'.repeat(100)}`)
  expect(await long.text()).toMatch(/^nothing at \/x{63}\.{3}; there is /)
  const posted = await fetch(url, { method: 'POST', body: 'x' })
  expect([posted.status, posted.headers.get('allow')]).toEqual([405, 'GET, HEAD'])
})

test('serves no file of another folder, however its path is written', async () => {
  const { port } = new URL(await served())
  for (const path of [
    '/../package.json',
    '/page/../../package.json',
    '/..%2fpackage.json',
    '//page.js',
    'page.js',
    '/%00',
  ]) {
    const asked = request({ port, path: path.startsWith('/') ? path : `http://x/${path}` }).end()
    const [answer] = await once(asked, 'response')
    answer.resume()
    expect(answer.statusCode, path).toBe(404)
  }
})

test('allows the page its own files and its own host alone, and no other page to show it', async () => {
  const url = await served()
  const { host } = new URL(url)
  const answer = await fetch(url)
  expect(policyOf(answer)).toEqual({
    'default-src': "'none'",
    'script-src': "'self'",
    'style-src': "'self'",
    'img-src': "'self'",
    'connect-src': `'self' ws://${host} wss://${host}`,
    'worker-src': 'blob:',
    'base-uri': "'none'",
    'form-action': "'none'",
    'frame-ancestors': "'none'",
  })
  expect(answer.headers.get('x-content-type-options')).toBe('nosniff')
  expect(answer.headers.get('referrer-policy')).toBe('same-origin')
})

test('lets no Host header say more than a host in its policy', async () => {
  const { port } = new URL(await served())
  for (const host of ["a; script-src 'unsafe-inline'", 'a b', 'a,b', '[::1']) {
    const [answer] = await once(request({ port, path: '/', headers: { host } }).end(), 'response')
    answer.resume()
    expect(answer.headers['content-security-policy']).toContain("connect-src 'self';")
  }
})
