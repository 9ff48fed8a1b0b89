/** How a text that a client has sent is said back to it. */

/** How much of it is shown. */
const SHOWN_CHARACTERS = 64

/** The text, as far as it is shown, with a question mark for what is no printable ASCII. */
export function printable(text: string): string {
  const cut = text.length > SHOWN_CHARACTERS ? `${text.slice(0, SHOWN_CHARACTERS)}...` : text
  return cut.replace(/[^\x20-\x7e]/g, '?')
}
