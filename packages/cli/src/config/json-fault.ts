/** Where a text stops being JSON: to YAML, which takes JSON too, much else is fine. */

import { printParseErrorCode, visit } from 'jsonc-parser'

/** What makes a text no JSON. */
export interface JsonFault {
  /** A sentence; nothing of the text is in it, which may hold a passcode. */
  readonly message: string
  /** Where in the text, from 0. */
  readonly offset: number
}

/** What JSON wants, by what the library calls its absence. */
const WANTED: Readonly<Record<string, string>> = {
  InvalidSymbol: 'no bare word: names and texts stand in double quotes',
  InvalidNumberFormat: 'a number as JSON writes it',
  PropertyNameExpected: 'a name in double quotes',
  ValueExpected: 'a value',
  ColonExpected: 'a colon',
  CommaExpected: 'a comma',
  CloseBraceExpected: 'a }',
  CloseBracketExpected: 'a ]',
  EndOfFileExpected: 'the end',
  InvalidCommentToken: 'no comment',
  UnexpectedEndOfComment: 'no comment',
  UnexpectedEndOfString: 'the end of a text, in its line',
  UnexpectedEndOfNumber: 'another digit',
  InvalidUnicode: 'four hexadecimal digits',
  InvalidEscapeCharacter: 'an escape that JSON has',
  InvalidCharacter: 'an escape in place of a control character',
}

/** The first fault: what is found after it is mostly its echo. */
export function jsonFaultIn(text: string): JsonFault | undefined {
  const faults: JsonFault[] = []
  visit(
    text,
    {
      onError: (code, offset) => {
        const kind = printParseErrorCode(code)
        faults.push({ message: `this is not JSON: here should be ${WANTED[kind] ?? kind}`, offset })
      },
    },
    { disallowComments: true },
  )
  return faults[0]
}
