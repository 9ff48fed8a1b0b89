/** The key and the certificate of the servers behind TLS: made for one run, by OpenSSL's command. */

import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

let made: string | undefined

/** The path of a file in PEM that has both; it goes with this process. */
export function tlsFile(): string {
  made ??= make()
  return made
}

function make(): string {
  const folder = mkdtempSync(join(tmpdir(), 'xtomp-bench-'))
  const file = join(folder, 'pem')
  const [key, cert] = [join(folder, 'key'), join(folder, 'cert')]
  const kind = [
    '-newkey',
    'ec',
    '-pkeyopt',
    'ec_paramgen_curve:P-256',
    '-nodes',
    '-days',
    '2',
    '-subj',
    '/CN=localhost',
  ]
  execFileSync('openssl', ['req', '-x509', ...kind, '-keyout', key, '-out', cert], { stdio: 'ignore' })
  writeFileSync(file, Buffer.concat([readFileSync(key), readFileSync(cert)]))
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }))
  return file
}
