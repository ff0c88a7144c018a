/** Bad bodies, content types and encodings on the sync route: each is refused in the one shape and does nothing. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { gzipSync } from 'node:zlib'
import { type Bench, startBench } from './http-fixture.ts'
import type { Refusal } from './oracle.ts'

let bench: Bench
before(async () => {
  bench = await startBench()
})
after(() => bench.stop())

const json = { 'content-type': 'application/json' }
const full = '{"sync_type":"full"}'
const mark = 'zqmark7'

type Case = Omit<Refusal, 'path' | 'method'>
const bad = { status: 400, code: 'validation_failed' }
const notJson = { status: 400, code: 'invalid_json' }
const wrongType = { status: 415, code: 'unsupported_media_type' }
/** An object nested so deep that a parser which calls itself would end the process. */
const deep = (times: number) => `{"sync_type":${'['.repeat(times)}${']'.repeat(times)}}`

const bodies: Case[] = [
  { what: 'cut off', body: `{"sync_type":"${mark}`, ...notJson },
  { what: 'not JSON at all', body: `${mark}=full`, ...notJson },
  { what: 'blanks', body: '  \r\n ', ...notJson },
  { what: 'single quotes', body: `{'sync_type':'${mark}'}`, ...notJson },
  { what: 'a comma too many', body: '{"sync_type":"full",}', ...notJson },
  { what: 'NaN', body: '{"sync_type":NaN}', ...notJson },
  { what: 'two documents', body: `${full}${full}`, ...notJson },
  { what: '__proto__', body: `{"__proto__":{"${mark}":1},"sync_type":"full"}`, ...notJson },
  { what: 'constructor.prototype', body: `{"constructor":{"prototype":{"${mark}":1}}}`, ...notJson },
  { what: '50,000 open brackets', body: '['.repeat(50_000), ...notJson },
  { what: 'no UTF-8', body: Buffer.from('{"sync_type":"\xff\xfe"}', 'latin1'), ...notJson },
  { what: 'an overlong slash', body: Buffer.from('{"sync_type":"\xc0\xaf"}', 'latin1'), ...notJson },
  { what: 'a number', body: '1', ...bad },
  { what: 'null', body: 'null', ...bad },
  { what: 'a list', body: `[${full}]`, ...bad },
  { what: 'text', body: `"${mark}"`, ...bad },
  { what: 'another word', body: `{"sync_type":"${mark}"}`, ...bad, pointer: '/sync_type' },
  { what: 'the empty word', body: '{"sync_type":""}', ...bad, pointer: '/sync_type' },
  { what: 'another case', body: '{"sync_type":"FULL"}', ...bad, pointer: '/sync_type' },
  { what: 'a blank behind', body: '{"sync_type":"full "}', ...bad, pointer: '/sync_type' },
  { what: 'a NUL behind', body: '{"sync_type":"full\\u0000"}', ...bad, pointer: '/sync_type' },
  { what: 'null as the word', body: '{"sync_type":null}', ...bad, pointer: '/sync_type' },
  { what: 'a number as the word', body: '{"sync_type":1e999}', ...bad, pointer: '/sync_type' },
  { what: 'a list of one word', body: '{"sync_type":["full"]}', ...bad, pointer: '/sync_type' },
  { what: '20,000 levels deep', body: deep(20_000), ...bad, pointer: '/sync_type' },
  {
    what: 'an unknown field',
    body: `{"sync_type":"full","tenant_id":"${mark}"}`,
    ...bad,
    pointer: '/tenant_id',
  },
  { what: 'toString as a field', body: '{"toString":"full"}', ...bad },
  {
    what: 'an unknown field named like markup',
    body: `{"<script>${mark}</script>":1}`,
    ...bad,
  },
  {
    what: '3,000 unknown fields',
    body: `{${Array.from({ length: 3_000 }, (_, at) => `"${mark}x${at}":1`)}}`,
    ...bad,
    secret: [`${mark}x7`],
  },
  { what: '2 MiB', body: `{"sync_type":"${'x'.repeat(2 << 20)}"}`, status: 413, code: 'body_too_large' },
  { what: '100,000 open brackets', body: '['.repeat(100_000), status: 413, code: 'body_too_large' },
]

for (const one of bodies) {
  test(`a body that is ${one.what} is ${one.status}`, async () => {
    const path = `/api/hubspot/sync/${bench.tenant}/${bench.integration}`
    await bench.refused({ method: 'POST', path, headers: json, secret: [mark], ...one })
  })
}

const typed = (type: string) => ({ body: full, headers: { 'content-type': type } })
const types: Case[] = [
  { what: 'text/plain', ...typed('text/plain'), ...wrongType },
  { what: 'a form', ...typed('application/x-www-form-urlencoded'), ...wrongType },
  { what: 'multipart', ...typed(`multipart/form-data; boundary=${mark}`), ...wrongType },
  { what: 'XML', ...typed('application/xml'), ...wrongType },
  { what: 'a name that begins like JSON', ...typed('application/jsonx'), ...wrongType },
  { what: 'JSON of somebody', ...typed('application/vnd.api+json'), ...wrongType },
  { what: 'two types', ...typed('application/json, text/plain'), ...wrongType },
  { what: 'JSON in UTF-16', ...typed('application/json; charset=utf-16'), ...wrongType },
  { what: 'JSON in UTF-7, quoted', ...typed('application/json; charset="utf-7"'), ...wrongType },
  { what: 'no type', body: full, ...wrongType },
  { what: 'an empty type', ...typed(''), ...wrongType },
  { what: 'no type of at all', ...typed(`;;${mark}`), ...wrongType },
  {
    what: 'compressed',
    body: gzipSync(full),
    headers: { ...json, 'content-encoding': 'gzip' },
    ...wrongType,
  },
  {
    what: 'a bomb of 20 MB',
    body: gzipSync(Buffer.alloc(20 << 20, ' ')),
    headers: { ...json, 'content-encoding': 'gzip' },
    ...wrongType,
  },
  { what: 'said to be br', body: full, headers: { ...json, 'content-encoding': 'br' }, ...wrongType },
]

for (const one of types) {
  test(`a body of content type ${one.what} is ${one.status}`, async () => {
    const path = `/api/hubspot/sync/${bench.tenant}/${bench.integration}`
    await bench.refused({ method: 'POST', path, secret: [mark], ...one })
  })
}

test('no body is 400 where one is needed, as from a program that forgot it, whether it names JSON or no type', async () => {
  const path = `/api/hubspot/integrations/${bench.tenant}`
  await bench.refused({ what: 'nothing', method: 'POST', path, ...bad })
  const code = ['validation_failed', 'invalid_json']
  await bench.refused({
    what: 'nothing of JSON',
    method: 'POST',
    path,
    headers: json,
    body: '',
    ...bad,
    code,
  })
})

test('a body nested as deep as the limit allows is refused within 50 ms', async () => {
  const path = `/api/hubspot/sync/${bench.tenant}/${bench.integration}`
  const times: number[] = []
  for (let at = 0; at < 5; at++) {
    const began = performance.now()
    const answer = await bench.send({ method: 'POST', path, headers: json, body: '['.repeat(60_000) })
    assert.equal(answer.status, 400)
    times.push(performance.now() - began)
  }
  assert.ok(Math.min(...times) <= 50, `${times}`)
})

test('of a field given twice the value that was checked is the value that is used', async () => {
  const path = `/api/hubspot/sync/${bench.tenant}/${bench.integration}`
  const body = '{"sync_type":"full","sync_type":"incremental"}'
  const answer = await bench.send({ method: 'POST', path, headers: json, body })
  if (answer.status === 400) return
  assert.equal(answer.status, 202)
  const event = await bench.send({ path: `${path}/${answer.json.sync_event_id}` })
  assert.match(answer.json.message, new RegExp(event.json.sync_type))
  assert.equal(event.json.sync_type, answer.json.sync_type)
})

const media: [accept: string, type: string][] = [
  ['application/problem+json', 'application/problem+json'],
  ['text/html, application/problem+json;q=0.9', 'application/problem+json'],
  ['APPLICATION/PROBLEM+JSON', 'application/problem+json'],
  ['application/json', 'application/json; charset=utf-8'],
  ['text/html', 'application/json; charset=utf-8'],
  ['image/png', 'application/json; charset=utf-8'],
  ['*/*', 'application/json; charset=utf-8'],
  ['application/problem+json;q=0', 'application/json; charset=utf-8'],
  [';;;,,,', 'application/json; charset=utf-8'],
]

for (const [accept, type] of media) {
  test(`a refusal for Accept: ${accept} is the same object as ${type}`, async () => {
    const path = `/api/hubspot/sync/${bench.tenant}/${bench.integration}`
    const headers = { ...json, 'x-request-id': 'the-same' }
    const plain = await bench.send({ method: 'POST', path, headers, body: '{' })
    const asked = await bench.send({ method: 'POST', path, headers: { ...headers, accept }, body: '{' })
    assert.equal(asked.headers['content-type'], type)
    assert.match(String(asked.headers.vary), /accept/i)
    assert.equal(asked.text, plain.text)
    assert.equal(asked.status, plain.status)
  })
}
