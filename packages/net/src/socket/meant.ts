/** Which name was meant by one that there is not. */

import { closest, distance } from 'fastest-levenshtein'

const MOST_SLIPS = 3

/** Which of the words that there are was meant, if one is near. */
export function meant(word: string, words: readonly string[]): string | undefined {
  if (words.length === 0) return undefined
  const nearest = closest(word, words)
  // Half of a short word, two letters that changed places; more than that is another word.
  const most = Math.min(MOST_SLIPS, Math.max(1, Math.floor(word.length / 2)))
  return distance(word.toLowerCase(), nearest.toLowerCase()) <= most ? nearest : undefined
}
