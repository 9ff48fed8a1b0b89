/** Which name was meant by one that there is not. */

/** With more wrong than one letter of so many it is another word: no `port` is a `path`. */
const LETTERS_A_SLIP = 3

/** The nearest of some names, undefined where none is near. */
export function meant(word: string, names: readonly string[]): string | undefined {
  let nearest: string | undefined
  let least = Math.floor(word.length / LETTERS_A_SLIP) + 1
  for (const name of names) {
    const count = slips(word.toLowerCase(), name.toLowerCase())
    if (count < least) [nearest, least] = [name, count]
  }
  return nearest
}

/** How many letters are to be put in, left out or changed to come from one to the other (Levenshtein). */
function slips(one: string, other: string): number {
  // From what there is of the one so far to each beginning of the other.
  let counts = Array.from({ length: other.length + 1 }, (_, at) => at)
  for (const letter of one) {
    const next = [(counts[0] as number) + 1]
    for (let at = 0; at < other.length; at++) {
      const changed = (counts[at] as number) + (letter === other[at] ? 0 : 1)
      next.push(Math.min(changed, (counts[at + 1] as number) + 1, (next[at] as number) + 1))
    }
    counts = next
  }
  return counts[other.length] as number
}
