/** What the fuzzer's values are made of: fitting ones from a schema, odd, huge and of another type; each made-up text can be found again. */
import fc from 'fast-check'
import type { Operation, Schema } from './operations.ts'

/** In every generated value: it must not appear in any response or log line. */
export const canary = 'zqfuzz7'

export interface Known {
  adminKey: string
  /** Per path parameter of an operation; those of one list go together. */
  idsFor(operation: Operation): Record<string, string>[]
  /** Values that mean something: a parameter's or a field's name -> right ones. */
  values: Record<string, string[]>
}

export const odd = fc
  .oneof(
    fc.string({ unit: 'binary', maxLength: 40 }),
    fc.string({ unit: 'grapheme', maxLength: 40 }),
    fc.constantFrom('\u0000', '\ud83d', '\u202e', '٣', '\ufeff', "' or 1=1--", '<script>', '{{7*7}}', '%00'),
    fc.constantFrom('../../etc/passwd', '$ne', '\r\nx: 1', 'null', 'NaN', '-1', '0', '1e1', '9'.repeat(30)),
  )
  .map((text) => `${canary}${text}`)

export const huge = fc.integer({ min: 200, max: 60_000 }).map((length) => `${canary}${'x'.repeat(length)}`)

/** encodeURIComponent refuses half a pair. */
export const encoded = (text: string) => encodeURIComponent(text.toWellFormed())

/** A value that the schema allows, or nearly: what it means is the service's to judge. */
export function fitting(name: string, schema: Schema, known: Known): fc.Arbitrary<unknown> {
  const values = known.values[name]
  if (values) return fc.oneof({ weight: 3, arbitrary: fc.constantFrom(...values) }, made(schema))
  return made(schema)
}

function made(schema: Schema): fc.Arbitrary<unknown> {
  if (schema.enum) return fc.constantFrom(...schema.enum)
  if (schema.type === 'integer')
    return fc.integer({ min: schema.minimum ?? 0, max: schema.maximum ?? 1_000 }).map(String)
  if (schema.format === 'uuid') return fc.uuid()
  const maxLength = Math.min(schema.maxLength ?? 60, 200)
  const printable = fc.string({ unit: 'grapheme-ascii', maxLength: maxLength - canary.length })
  if (schema.pattern === undefined) return printable.map((text) => canary + text)
  if (schema.pattern.startsWith('^[\\x21-\\x7e]'))
    return printable.map((text) => canary + text.replaceAll(' ', '_'))
  return fc.stringMatching(new RegExp(schema.pattern))
}

export const anything = fc.oneof(
  odd,
  huge,
  fc.jsonValue({ maxDepth: 3 }).map((value) => mark(value)),
  fc.constantFrom(null, true, 0, -1, 1.5, [], {}, [[]]),
)

/** Every text in it becomes a searchable one. */
function mark(value: unknown): unknown {
  if (typeof value === 'string') return canary + value
  if (Array.isArray(value)) return value.map(mark)
  if (value === null || typeof value !== 'object') return value
  return Object.fromEntries(Object.entries(value).map(([key, child]) => [`${canary} ${key}`, mark(child)]))
}
