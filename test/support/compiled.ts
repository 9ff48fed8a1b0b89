/** The TypeScript programs in documents, compiled as a strict reader would, all of them at once. */

import { dirname, join, relative } from 'node:path'
import ts from 'typescript'
import type { TypedProgram } from './programs.js'
import { root } from './sources.js'

/** What the compiler has against the programs, each fault with its place in its document. */
export function faultsOf(programs: readonly TypedProgram[]): string[] {
  const byFile = new Map(programs.map((program, at) => [fileOf(program, at), program]))
  const options = { ...settings(), noUnusedLocals: false, noUnusedParameters: false }
  const host = ts.createCompilerHost(options)
  const readFile = host.readFile.bind(host)
  host.readFile = (file) => byFile.get(file)?.text ?? readFile(file)
  const fileExists = host.fileExists.bind(host)
  host.fileExists = (file) => byFile.has(file) || fileExists(file)
  const program = ts.createProgram([...byFile.keys()], options, host)
  return ts.getPreEmitDiagnostics(program).map(({ file, start, messageText }) => {
    const said = ts.flattenDiagnosticMessageText(messageText, '\n')
    if (file === undefined || start === undefined) return said
    const { document, line } = byFile.get(file.fileName) ?? { document: relative(root, file.fileName), line: 0 }
    return `${document}:${line + file.getLineAndCharacterOfPosition(start).line + 1}: ${said}`
  })
}

/** Below test/, so that programs find the clients that the tests have. Nothing is written there. */
function fileOf({ document }: TypedProgram, at: number): string {
  return join(root, 'test', 'documents', `${document.replaceAll('/', '-')}-${at}.ts`)
}

/** The project's own settings, but that each program is a module, whether it imports something or not. */
function settings(): ts.CompilerOptions {
  const file = join(root, 'tsconfig.json')
  const { config } = ts.readConfigFile(file, ts.sys.readFile)
  const { options } = ts.parseJsonConfigFileContent({ ...config, files: [], include: [] }, ts.sys, dirname(file))
  return { ...options, moduleDetection: ts.ModuleDetectionKind.Force }
}
