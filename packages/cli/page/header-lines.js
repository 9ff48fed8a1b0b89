/** Headers as they are typed: a line each. */

/** Reads `name: value` lines. @throws Error that says which line is none */
export function headersOf(text) {
  const headers = {}
  for (const line of text.split('\n').filter((each) => each.trim() !== '')) {
    const colon = line.indexOf(':')
    if (colon < 1) throw new Error(`“${line}” is no header; write name: value`)
    headers[line.slice(0, colon).trim()] = line.slice(colon + 1).trim()
  }
  return headers
}
