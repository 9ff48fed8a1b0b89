/** A broker behind TLS, at default options. */

import { readFileSync } from 'node:fs'
import { createBroker } from '@xtomp/core'
import { listen } from '@xtomp/tls'

const [, , port, file = ''] = process.argv
const pem = readFileSync(file)
await listen(createBroker(), { port: Number(port), cert: pem, key: pem })
console.log('tls: listening')
