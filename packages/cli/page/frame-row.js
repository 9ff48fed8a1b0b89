/** One frame in the list: a line, and what is inside it once somebody looks. */

import { element } from './element.js'
import { aboutOf, bodyOf, previewOf, textOf } from './frame.js'

const WAYS = {
  in: { sign: '←', says: 'received' },
  out: { sign: '→', says: 'sent' },
  note: { sign: '·', says: 'note' },
}

const two = (number) => String(number).padStart(2, '0')
const timeOf = (at) =>
  `${two(at.getHours())}:${two(at.getMinutes())}:${two(at.getSeconds())}.${String(at.getMilliseconds()).padStart(3, '0')}`

/** Makes the row; `settle` holds its buttons, where it has some. */
export function rowOf(frame, settle) {
  const { sign, says } = WAYS[frame.way]
  const summary = element(
    'summary',
    {},
    element('time', { datetime: frame.at.toISOString() }, timeOf(frame.at)),
    element('span', { class: 'way', role: 'img', 'aria-label': says }, sign),
    element('span', { class: 'command' }, frame.command),
    element('span', { class: 'about' }, aboutOf(frame)),
    element('span', { class: 'preview' }, previewOf(frame.body)),
  )
  const details = element('details', {}, summary)
  details.addEventListener('toggle', () => details.append(insideOf(frame)), { once: true })
  details.addEventListener('toggle', () => details.scrollIntoView({ block: 'nearest' }))
  const row = element('li', { class: `frame ${frame.way}` }, details)
  // A command is the peer's word: only a known one names a class.
  if (frame.command === 'ERROR') row.classList.add('ERROR')
  if (settle !== undefined) row.append(settle)
  return row
}

function insideOf({ headers, body }) {
  const names = element('dl')
  for (const [name, value] of headers) names.append(element('dt', {}, name), element('dd', {}, value))
  const inside = element('div', { class: 'inside' }, names)
  if (body.length > 0) inside.append(element('pre', { tabindex: '0', 'aria-label': 'Body' }, bodyOf(body)))
  return inside
}

/** What is looked through for words. */
export function wordsOf({ command, headers, body }) {
  return [command, ...headers.flat(), textOf(body) ?? ''].join('\n').toLowerCase()
}
