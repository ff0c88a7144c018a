/** What the fuzzer sends: for each operation of the document requests that it allows, and requests with one or more things broken. */
import fc from 'fast-check'
import { type Body, body, json } from './fuzz-bodies.ts'
import { delivery } from './fuzz-deliveries.ts'
import { credential, extra } from './fuzz-headers.ts'
import { canary, encoded, fitting, type Known, odd } from './fuzz-values.ts'
import type { Operation } from './operations.ts'

export interface FuzzRequest {
  operation: Operation
  method: string
  path: string
  headers: Record<string, string | string[]>
  body: string | Buffer | undefined
}

const id = fc.oneof(
  { weight: 3, arbitrary: fc.uuid() },
  { weight: 3, arbitrary: odd.map(encoded) },
  fc.constantFrom(
    '%zz',
    '%',
    '%ff%fe',
    '%00',
    '..%2f..%2f',
    '%2e%2e',
    '',
    '.',
    'x'.repeat(101),
    '٣'.repeat(9),
  ),
)

function path(operation: Operation, known: Known): fc.Arbitrary<string> {
  const names = [...operation.template.matchAll(/\{(\w+)\}/g)].map(([, name]) => name as string)
  const pools = known.idsFor(operation)
  const from = (ids: Record<string, string>) =>
    operation.template.replaceAll(/\{(\w+)\}/g, (_, name: string) => encodeURI(ids[name] ?? ''))
  const right = fc.constantFrom(...pools).map(from)
  // Each part from another list, or unknown: crossed tenants are refused like unknown ones.
  const part = (name: string) => fc.oneof(fc.constantFrom(...pools.map((ids) => ids[name] ?? '')), id)
  const crossed = fc
    .record(Object.fromEntries(names.map((name) => [name, part(name)])))
    .map((ids) =>
      operation.template.replaceAll(/\{(\w+)\}/g, (_, name: string) =>
        (ids[name] ?? '').replaceAll(/[^\x21-\x7e]/g, encodeURIComponent),
      ),
    )
  const capitals = right.map((text) => text.replaceAll(/[0-9a-f-]{36}/g, (found) => found.toUpperCase()))
  const bent = fc
    .tuple(right, fc.constantFrom('/', '//', '/x', '%2f', ';a=b', '.json', '%20', '/..', '#'))
    .map(([text, tail]) => text + tail)
  const nowhere = odd.map((text) => `/${encoded(text)}`)
  return fc.oneof(
    { weight: 60, arbitrary: right },
    { weight: 5, arbitrary: capitals },
    { weight: 25, arbitrary: names.length > 0 ? crossed : right },
    { weight: 6, arbitrary: bent },
    { weight: 2, arbitrary: nowhere },
  )
}

function query(operation: Operation, known: Known): fc.Arbitrary<string> {
  const pair = (name: string, value: unknown) => `${encoded(name)}=${encoded(String(value))}`
  const right = fc
    .tuple(
      ...operation.query.map(({ name, schema }) =>
        fc.option(
          fitting(name, schema, known).map((value) => pair(name, value)),
          { nil: '' },
        ),
      ),
    )
    .map((pairs) => pairs.filter((one) => one !== '').join('&'))
  const names = [...operation.query.map(({ name }) => name), 'foo', '__proto__', 'constructor', 'limit[]', '']
  const broken = fc
    .array(fc.tuple(fc.constantFrom(...names), odd), { minLength: 1, maxLength: 4 })
    .map((pairs) => pairs.map(([name, value]) => pair(name, value)).join('&'))
  const raw = fc.constantFrom(
    '%zz',
    '&&==&',
    'limit=%',
    '=',
    '?',
    'a%00b=1',
    'limit=5&limit=6',
    `after=${'%61'.repeat(400)}`,
  )
  const long = fc.integer({ min: 100, max: 12_000 }).map((length) => `foo=${canary}${'y'.repeat(length)}`)
  return fc
    .oneof(
      // Of many parameters, one of a random value is nearly always wrong.
      { weight: 10, arbitrary: fc.constant('') },
      { weight: 60, arbitrary: right },
      { weight: 20, arbitrary: broken },
      { weight: 6, arbitrary: raw },
      { weight: 2, arbitrary: fc.tuple(right, right).map((both) => both.join('&')) },
      { weight: 2, arbitrary: long },
    )
    .map((text) => (text === '' ? '' : `?${text}`))
}

const otherMethods = [
  'GET',
  'HEAD',
  'POST',
  'PUT',
  'PATCH',
  'DELETE',
  'OPTIONS',
  'TRACE',
  'PROPFIND',
  'QUERY',
]

export function requests(operations: readonly Operation[], known: Known): fc.Arbitrary<FuzzRequest> {
  return fc.oneof(...operations.map((operation) => requestsOf(operation, operations, known)))
}

function requestsOf(
  operation: Operation,
  all: readonly Operation[],
  known: Known,
): fc.Arbitrary<FuzzRequest> {
  // A method that means something else on this path is that operation's to try, with ids that it may use up.
  const taken = all.filter(({ template }) => template === operation.template).map(({ method }) => method)
  const wrong = otherMethods.filter((method) => !taken.includes(method))
  const none: fc.Arbitrary<Body> = fc.oneof(
    { weight: 30, arbitrary: fc.constant<Body>({ type: undefined, body: undefined }) },
    fc.constantFrom<Body>(
      { type: json, body: '{}' },
      { type: json, body: '{' },
      { type: 'text/plain', body: canary },
    ),
  )
  const signed = operation.template === '/api/hubspot/webhooks'
  return fc
    .record({
      method: fc.oneof(
        { weight: 93, arbitrary: fc.constant(operation.method) },
        { weight: 7, arbitrary: fc.constantFrom(...wrong) },
      ),
      path: path(operation, known),
      query: query(operation, known),
      content: (signed
        ? fc.oneof({ weight: 4, arbitrary: delivery }, none)
        : operation.body
          ? body(operation.body, known)
          : none) as fc.Arbitrary<Body & { headers?: Record<string, string> }>,
      credential: credential(known.adminKey),
      extra,
    })
    .map(({ method, path, query, content, credential, extra }) => ({
      operation,
      method,
      path: path + query,
      headers: {
        ...credential,
        ...extra,
        ...content.headers,
        ...(content.type === undefined ? {} : { 'content-type': content.type }),
        ...(content.encoding === undefined ? {} : { 'content-encoding': content.encoding }),
      },
      body: content.body,
    }))
}
