/** The published schema, and what it finds wrong with data. */

import { createRequire } from 'node:module'
import { Ajv, type ErrorObject } from 'ajv'

/** A part of the schema, as far as it is looked into. */
export interface Schema {
  readonly $id?: string
  readonly $ref?: string
  readonly type?: string
  readonly enum?: readonly unknown[]
  readonly const?: unknown
  readonly anyOf?: readonly Schema[]
  readonly minimum?: number
  readonly maximum?: number
  readonly pattern?: string
  readonly default?: unknown
  readonly description?: string
  readonly properties?: Readonly<Record<string, Schema>>
  /** By transport: what its doors must not have, and must. */
  readonly allOf?: readonly {
    readonly if: { readonly properties: { readonly transport: { readonly const: string } } }
    readonly then: { readonly properties: Readonly<Record<string, false>>; readonly required?: readonly string[] }
  }[]
  readonly items?: Schema
  readonly definitions?: Readonly<Record<string, Schema>>
}

/** The schema itself: the file that editors read, from the sources and from what is built alike. */
export const schema = createRequire(import.meta.url)('xtomp/config.schema.json') as Schema

/** Faults of data, each with the schema that it breaks. */
export type Fault = ErrorObject & { readonly parentSchema?: Schema }

// Not strict about numbers: Infinity is a limit that never holds, as `.inf` in YAML and in a module.
const validate = new Ajv({ allErrors: true, verbose: true, strictNumbers: false }).compile(schema)

/** What the schema finds wrong; nothing where all is well. */
export function faultsIn(data: unknown): readonly Fault[] {
  return validate(data) ? [] : ((validate.errors ?? []) as Fault[])
}

/** What stands behind a reference. */
export function resolved(part: Schema): Schema {
  const [, name] = /^#\/definitions\/(\w+)$/.exec(part.$ref ?? '') ?? []
  return name === undefined ? part : (schema.definitions?.[name] ?? part)
}
