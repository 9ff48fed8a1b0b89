/**
 * The programs that documents print, as files: as ES modules and as CommonJS, in JavaScript and in TypeScript; and what
 * runs them.
 */

const IMPORT = /^import [^']* from '([^']*)'\n/gm
/** The port that documents use. */
const PORT = /61613/g
/** What CommonJS can load, though its types say that it cannot: where TypeScript minds that, such a program is left out. */
const TYPED_AS_ESM = ['@stomp/stompjs']

/** As jest's tests are printed: without flags it takes CommonJS only. */
const REQUIRE = /^const (\{[^}]*\}) = require\(('[^']*')\)$/gm

/**
 * The programs of a document that use our packages, in order: each with its name, what runs it (`node`, `jest` or
 * `vitest`; nothing runs declarations), the output that is printed right behind it, and its files, by their paths. An ES
 * module makes four files, of which all but the first are derived from what is printed, and so does a test for jest; any
 * other program that is printed as CommonJS is the only file, and so is a test for vitest, which reads TypeScript itself.
 */
export function programsIn(document, text, port) {
  const blocks = [...text.matchAll(/^```(js|ts)\n(.*?)^```$(?:\n\n```text\n(.*?)^```$)?/gms)]
  return blocks
    .filter(([, language, program]) => isProgram(language, program))
    .map(([, , program, output], at) => {
      const name = `${document.replace(/\.md$/, '').replaceAll('/', '-')}-${at + 1}`
      const printed = program.replace(PORT, port)
      const runner = runnerOf(printed)
      return {
        title: `${document}, program ${at + 1}`,
        runner,
        output: output?.replace(PORT, port),
        files: FILES[runner](name, printed),
      }
    })
}

function isProgram(language, text) {
  if (!/\b(from |require\()'@?xtomp/.test(text)) return false
  return language === 'js' || ['vitest', 'nothing'].includes(runnerOf(text))
}

function runnerOf(text) {
  if (/^declare module 'expect'/m.test(text)) return 'nothing'
  if (/ from 'vitest'$/m.test(text)) return 'vitest'
  return /'@jest\/globals'/.test(text) ? 'jest' : 'node'
}

const FILES = {
  node: files,
  vitest: (name, text) => [{ path: `vitest/${name}.test.ts`, text }],
  jest: (name, text) => {
    // Only CommonJS is given `jest` without asking.
    const module = text.replace(REQUIRE, 'import $1 from $2').replace(/ } from '@jest/, ', jest$&')
    return [
      { path: `js/${name}.test.cjs`, text },
      { path: `js/${name}.test.mjs`, text: module },
      { path: `esm/${name}.test.mts`, text: module },
      { path: `${isTypedAsEsm(module) ? 'cjs-of-esm' : 'cjs'}/${name}.test.cts`, text: module },
    ]
  },
  nothing: (name, text) => [
    { path: `esm/${name}.mts`, text },
    { path: `cjs/${name}.cts`, text },
  ],
}

function files(name, text) {
  if (/\brequire\(/.test(text)) return [{ path: `js/${name}.cjs`, text }]
  return [
    { path: `js/${name}.mjs`, text },
    { path: `js/${name}.cjs`, text: commonJs(text, required) },
    { path: `esm/${name}.mts`, text },
    // TypeScript turns imports into `require` itself.
    { path: `${isTypedAsEsm(text) ? 'cjs-of-esm' : 'cjs'}/${name}.cts`, text: commonJs(text, (line) => line) },
  ]
}

function isTypedAsEsm(text) {
  return [...text.matchAll(IMPORT)].some(([, from]) => TYPED_AS_ESM.includes(from))
}

/** In CommonJS nothing can be awaited at the top. */
function commonJs(text, imported) {
  const heads = (text.match(IMPORT) ?? []).map(imported)
  return `${heads.join('')}\nasync function main() {\n${text.replace(IMPORT, '').trim()}\n}\nvoid main()\n`
}

function required(line) {
  return line.replace(/^import (.*?) from ('.*')/s, (_, names, from) => {
    return `const ${names.replace(/(\w+) as (\w+)/g, '$1: $2')} = require(${from})`
  })
}
