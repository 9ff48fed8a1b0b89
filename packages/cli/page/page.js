/** The page: what is typed and pressed goes to the session, what the session tells is shown. */

import { Deliveries } from './deliveries.js'
import { button, element } from './element.js'
import { header, textOf } from './frame.js'
import { FrameList } from './frame-list.js'
import { headersOf } from './header-lines.js'
import { Session } from './session.js'
import { StateLine } from './state-line.js'
import { SubscriptionList } from './subscription-list.js'

const at = (id) => document.getElementById(id)
const forms = { subscribe: at('subscribe'), send: at('send'), login: at('login') }

const url = new URL(document.querySelector('meta[name=stomp-path]').content, location.href)
url.protocol = url.protocol === 'https:' ? 'wss:' : 'ws:'
at('address').textContent = url.href

const stateLine = new StateLine({ line: at('state'), text: at('state-text'), now: at('now') })
const frames = new FrameList(at('frames'), at('scroll'))
/** What goes by before anybody does anything. */
const FIRST_FRAMES = ['CONNECT', 'CONNECTED', 'ERROR', 'closed']
const counts = { in: 0, out: 0, note: 0 }
let isWanted = false
let isDrawing = false
let lastReceipt = 0

const session = new Session(url.href, { state: showState, frame: showFrame, dropped: (id) => subscriptions.drop(id) })
const deliveries = new Deliveries(session)
const subscriptions = new SubscriptionList(at('subscriptions'), session, deliveries)

function showState(state, until) {
  isWanted = !['off', 'refused'].includes(state)
  stateLine.show(state, until)
  at('switch').textContent = isWanted ? 'Disconnect' : 'Connect'
  at('switch').classList.toggle('stop', isWanted)
  for (const form of [forms.subscribe, forms.send]) form.querySelector('button[type=submit]').disabled = state !== 'on'
  if (state !== 'on') deliveries.lose()
  if (state === 'refused') at('login-details').open = true
  draw()
}

function showFrame(frame) {
  counts[frame.way]++
  // Who has begun needs no more to be told how.
  if (!FIRST_FRAMES.includes(frame.command)) at('first-steps').hidden = true
  if (frame.command === 'ERROR') showFault(header(frame, 'code') ?? 'ERROR', header(frame, 'message') ?? '', frame.body)
  frames.add(frame, frame.command === 'MESSAGE' ? settleButtons(frame) : undefined)
  draw()
}

/** Two buttons, where the subscription's mode wants an answer. */
function settleButtons(frame) {
  const [subscription, ackId] = [header(frame, 'subscription'), header(frame, 'ack')]
  const mode = subscriptions.count(subscription)
  if (mode === undefined || mode === 'auto' || ackId === undefined) return undefined
  const buttons = element('span', { class: 'settle hint' })
  for (const verb of ['ack', 'nack'])
    buttons.append(
      button(verb === 'ack' ? 'Ack' : 'Nack', { class: 'quiet' }, () => deliveries.settle(verb, subscription, ackId)),
    )
  deliveries.add(subscription, ackId, mode, (word) => buttons.replaceChildren(word))
  return buttons
}

function showFault(code, text, body) {
  at('fault-code').textContent = code
  at('fault-text').textContent = text
  at('fault-body').textContent = (textOf(body) ?? '').trim()
  at('fault').hidden = false
}

/** Once a screen refresh, however much has happened. */
function draw() {
  if (isDrawing) return
  isDrawing = true
  requestAnimationFrame(() => {
    isDrawing = false
    frames.draw()
    subscriptions.draw()
    at('pause').textContent = frames.held > 0 ? `Go on (${frames.held})` : isPaused() ? 'Go on' : 'Pause'
    at('second').search = new URLSearchParams(subscriptions.destinations.map((name) => ['subscribe', name])).toString()
  })
}

function isPaused() {
  return at('pause').getAttribute('aria-pressed') === 'true'
}

let before = 0
setInterval(() => {
  const sum = counts.in + counts.out
  const text = sum === 0 ? '' : `${counts.in} in, ${counts.out} out, ${sum - before}/s`
  before = sum
  if (at('rate').textContent !== text) at('rate').textContent = text
}, 1_000)

function connect() {
  const { login, passcode, host } = forms.login.elements
  void session.connect({ login: login.value, passcode: passcode.value, host: host.value })
}

function whenSent(form, act) {
  form.addEventListener('submit', (event) => {
    event.preventDefault()
    at('fault').hidden = true
    act(form.elements)
  })
}

whenSent(forms.login, connect)
whenSent(forms.subscribe, ({ destination, ack }) => subscriptions.add(destination.value.trim(), ack.value))
whenSent(forms.send, ({ destination, body, type, headers: lines, receipt }) => {
  lines.setCustomValidity('')
  try {
    const headers = headersOf(lines.value)
    if (type.value !== '') headers['content-type'] = type.value
    if (receipt.checked) headers.receipt = `send-${++lastReceipt}`
    session.send(destination.value.trim(), headers, body.value)
  } catch (error) {
    lines.closest('details').open = true
    lines.setCustomValidity(error.message)
    lines.reportValidity()
  }
})
forms.send.elements.headers.addEventListener('input', ({ target }) => target.setCustomValidity(''))
at('switch').addEventListener('click', () => {
  at('fault').hidden = true
  if (isWanted) void session.disconnect()
  else connect()
})
at('now').addEventListener('click', () => void session.now())
at('fault-close').addEventListener('click', () => {
  at('fault').hidden = true
})
at('pause').addEventListener('click', () => {
  const pauses = !isPaused()
  at('pause').setAttribute('aria-pressed', String(pauses))
  frames.pause(pauses)
  draw()
})
at('clear').addEventListener('click', () => {
  frames.clear()
  draw()
})
for (const id of ['filter', 'direction'])
  at(id).addEventListener('input', () => frames.filter(at('filter').value, at('direction').value))

document.addEventListener('keydown', (event) => {
  const { key, target } = event
  if (key === 'Enter' && (event.ctrlKey || event.metaKey) && forms.send.contains(target)) forms.send.requestSubmit()
  if (event.ctrlKey || event.metaKey || event.altKey || target.matches('input, select, textarea')) return
  if (key === '/') {
    event.preventDefault()
    at('filter').focus()
  } else if (key === 'p') at('pause').click()
})

// A link of another site may lead here, and a queue's messages would be taken: only that of our own tabs is followed.
const isFromOurs = URL.canParse(document.referrer) && new URL(document.referrer).origin === location.origin
for (const name of new URLSearchParams(location.search).getAll('subscribe')) {
  if (isFromOurs) subscriptions.add(name, 'auto')
  forms.subscribe.elements.destination.value = name
  // Nobody sends to a pattern.
  if (!name.includes('*')) forms.send.elements.destination.value = name
}
connect()
