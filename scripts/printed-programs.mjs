/** The programs that documents print, as files: as ES modules and as CommonJS, in JavaScript and in TypeScript. */

const IMPORT = /^import [^']* from '([^']*)'\n/gm
/** The port that documents use. */
const PORT = /61613/g
/** What CommonJS can load, though its types say that it cannot: where TypeScript minds that, such a program is left out. */
const TYPED_AS_ESM = ['@stomp/stompjs']

/**
 * The programs of a document that use our packages, in order: each with its name, the output that is printed right
 * behind it, and its files, by their paths. An ES module makes four files, of which all but the first are derived from
 * what is printed; a program that is printed as CommonJS is the only file.
 */
export function programsIn(document, text, port) {
  const blocks = [...text.matchAll(/^```js\n(.*?)^```$(?:\n\n```text\n(.*?)^```$)?/gms)]
  return blocks
    .filter(([, program]) => /\b(from |require\()'@?xtomp/.test(program))
    .map(([, program, output], at) => {
      const name = `${document.replace(/\.md$/, '').replaceAll('/', '-')}-${at + 1}`
      const printed = program.replace(PORT, port)
      return {
        title: `${document}, program ${at + 1}`,
        output: output?.replace(PORT, port),
        files: files(name, printed),
      }
    })
}

function files(name, text) {
  if (/\brequire\(/.test(text)) return [{ path: `js/${name}.cjs`, text }]
  const isTypedAsEsm = [...text.matchAll(IMPORT)].some(([, from]) => TYPED_AS_ESM.includes(from))
  return [
    { path: `js/${name}.mjs`, text },
    { path: `js/${name}.cjs`, text: commonJs(text, required) },
    { path: `esm/${name}.mts`, text },
    // TypeScript turns imports into `require` itself.
    { path: `${isTypedAsEsm ? 'cjs-of-esm' : 'cjs'}/${name}.cts`, text: commonJs(text, (line) => line) },
  ]
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
