/** The fuzzer's bodies: valid for the schema, and broken in each possible way. */
import fc from 'fast-check'
import { anything, canary, fitting, type Known, odd } from './fuzz-values.ts'
import type { Schema } from './operations.ts'

export const json = 'application/json'
export type Body = { type: string | undefined; body: string | Buffer | undefined; encoding?: string }

const deep = fc
  .tuple(fc.integer({ min: 1, max: 20_000 }), fc.constantFrom('[', '{"a":'))
  .map(([depth, open]) =>
    open === '[' ? '['.repeat(depth) + ']'.repeat(depth) : `${open.repeat(depth)}1${'}'.repeat(depth)}`,
  )

export function body(schema: Schema, known: Known): fc.Arbitrary<Body> {
  const fields = Object.entries(schema.properties ?? {})
  const names = fields.map(([name]) => name)
  const right = fc
    .record(Object.fromEntries(fields.map(([name, one]) => [name, fitting(name, one, known)])), {
      requiredKeys: schema.required ?? [],
    })
    .map((value) => JSON.stringify(value))
  const asJson = (text: fc.Arbitrary<string | Buffer>): fc.Arbitrary<Body> =>
    text.map((one) => ({ type: json, body: one }))
  const wrongValue = fc
    .tuple(right, fc.constantFrom(...names), anything)
    .map(([text, name, value]) => JSON.stringify({ ...JSON.parse(text), [name]: value }))
  const unknownKey = fc
    .tuple(
      right,
      fc.oneof(
        odd.map((text) => `<${text}>`),
        fc.constantFrom('tenant_id', 'is_admin', 'toString', '$where'),
      ),
      anything,
    )
    .map(([text, name, value]) => JSON.stringify({ ...JSON.parse(text), [name]: value }))
  const twice = fc
    .tuple(right, fc.constantFrom(...names), anything)
    .map(([text, name, value]) =>
      text.replace('{', `{${JSON.stringify(name)}:${JSON.stringify(value)},`).replace(',}', '}'),
    )
  const poison = fc.constantFrom(
    '{"__proto__":{"a":1}}',
    '{"constructor":{"prototype":{}}}',
    '{"a":1,"__proto__":null}',
  )
  const cut = fc
    .tuple(right, fc.double({ min: 0, max: 1, noNaN: true }))
    .map(([text, part]) => text.slice(0, Math.floor(part * text.length)))
  const bytes = fc.uint8Array({ minLength: 1, maxLength: 60 }).map((some) => Buffer.from(some))
  const nested = fc.tuple(fc.constantFrom(...names), deep).map(([name, text]) => `{"${name}":${text}}`)
  const large = fc
    .integer({ min: 65_536, max: 300_000 })
    .map((length) => `{"${names[0]}":"${'z'.repeat(length)}"}`)
  const types = [
    'text/plain',
    'application/x-www-form-urlencoded',
    'multipart/form-data; boundary=x',
    'application/json; charset=utf-16',
    'application/json, text/plain',
    'application/vnd.api+json',
    '',
    `;;${canary}`,
    undefined,
  ]
  return fc.oneof(
    { weight: 45, arbitrary: asJson(right) },
    { weight: 12, arbitrary: asJson(wrongValue) },
    { weight: 8, arbitrary: asJson(unknownKey) },
    { weight: 5, arbitrary: asJson(twice) },
    { weight: 2, arbitrary: asJson(poison) },
    { weight: 5, arbitrary: asJson(cut) },
    { weight: 4, arbitrary: asJson(anything.map((value) => JSON.stringify(value))) },
    { weight: 3, arbitrary: asJson(odd) },
    { weight: 3, arbitrary: asJson(bytes) },
    { weight: 4, arbitrary: asJson(fc.oneof(deep, nested)) },
    { weight: 1, arbitrary: asJson(large) },
    {
      weight: 5,
      arbitrary: fc.tuple(right, fc.constantFrom(...types)).map(([text, type]) => ({ type, body: text })),
    },
    { weight: 2, arbitrary: right.map((text) => ({ type: json, body: text, encoding: 'gzip' })) },
    {
      weight: 1,
      arbitrary: fc.constantFrom<Body>({ type: json, body: undefined }, { type: undefined, body: undefined }),
    },
  )
}
