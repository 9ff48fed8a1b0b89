/** A broker behind a WebSocket door of its own, at default options. */

import { createBroker } from '@xtomp/core'
import { listen } from '@xtomp/ws'

const listener = await listen(createBroker(), { port: Number(process.argv[2]) })
console.log(`xtomp over WebSocket: listening on ${listener.port}`)
