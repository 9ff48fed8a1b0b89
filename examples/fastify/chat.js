/**
 * A chat whose members log in at the application: its own signed cookie says who they are, to routes and to the broker.
 *
 *   node examples/fastify/chat.js
 *
 * Open http://localhost:3000 in two browsers, and log in as ann and as bob.
 */

import { createReadStream } from 'node:fs'
import cookie from '@fastify/cookie'
import { stomp } from '@xtomp/fastify'
import fastify from 'fastify'

/** A real one looks its members up, and checks their passwords. */
const rooms = new Map([
  ['ann', ['/topic/rooms.tea', '/topic/rooms.office']],
  ['bob', ['/topic/rooms.tea']],
])

const app = fastify()
await app.register(cookie, { secret: process.env.COOKIE_SECRET ?? 'change me' })
await app.register(stomp, {
  path: '/chat',
  // A cookie comes with every page's WebSocket, other sites' too: theirs are refused unless `origins` allows them.
  options: {
    hooks: {
      authenticate: ({ connection }) => memberOf(app.parseCookie(connection.request?.headers.cookie ?? '')),
      authorize: ({ user, destination }) => user.rooms.includes(destination),
      send: (message, { user }) => message.with({ headers: { from: user.name } }),
    },
  },
})

function memberOf({ member = '' }) {
  const { valid, value } = app.unsignCookie(member)
  return valid && rooms.has(value) && { name: value, rooms: rooms.get(value) }
}

const page = new URL('chat.html', import.meta.url)
const client = new URL('../bundles/stomp.umd.min.js', import.meta.resolve('@stomp/stompjs'))
app.get('/', (_request, reply) => reply.type('text/html').send(createReadStream(page)))
app.get('/stomp.js', (_request, reply) => reply.type('text/javascript').send(createReadStream(client)))
app.post('/login', async ({ body }, reply) => {
  if (!rooms.has(body?.name)) return reply.code(403).send({ error: 'nobody of that name' })
  return reply.setCookie('member', body.name, { signed: true, httpOnly: true, sameSite: 'strict' }).send({})
})
app.post('/logout', async ({ cookies }, reply) => {
  const { name } = memberOf(cookies)
  for (const session of app.broker.sessions())
    if (session.user?.name === name) session.close({ code: 'logged-out', message: 'bye' })
  return reply.clearCookie('member').send({})
})

process.once('SIGTERM', () => app.close().then(() => console.log('closed')))
console.log(await app.listen({ port: Number(process.env.PORT ?? 3000), host: '127.0.0.1' }))
