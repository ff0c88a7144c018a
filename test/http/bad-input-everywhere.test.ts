/** Bad input that every route refuses alike. The routes come from the service, so that a new one is covered too. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { encodeCursor } from '../../src/api/cursor.ts'
import { type Bench, startBench } from './http-fixture.ts'
import { type Operation, pathOf, readOperations } from './operations.ts'
import { checkShape } from './oracle.ts'
import { sendRaw } from './send.ts'

let bench: Bench
let operations: Operation[]
let ids: Record<string, string>
before(async () => {
  bench = await startBench()
  operations = await readOperations(bench.service.url)
  const { tenant, integration } = bench
  const history = await bench.send({ path: `/api/hubspot/sync/${tenant}/${integration}` })
  const issues = await bench.send({ path: `/api/hubspot/issues/${tenant}` })
  ids = {
    tenant_id: tenant,
    integration_id: integration,
    sync_event_id: history.json.events[0].sync_event_id,
    key_id: '0123456789abcdef',
    endpoint_id: '0b1e5f64-6a0b-4c39-9a53-0d6a4e0c7f12',
    change_id: '0b1e5f64-6a0b-4c39-9a53-0d6a4e0c7f13',
    issue_id: issues.json.issues[0].issue_id,
    confirmation_id: '0b1e5f64-6a0b-4c39-9a53-0d6a4e0c7f11',
  }
})
after(() => bench.stop())

const mark = 'zqmark7'
const bad = { status: 400, code: 'validation_failed' }
/** Routes of the API; HubSpot may add to the browser's query, and probes are excluded. */
const strict = () =>
  operations.filter(
    ({ name }) => name.includes(' /api/hubspot/') && name !== 'GET /api/hubspot/oauth/callback',
  )
/** A body that the schema allows, so that the query alone is wrong. */
const bodies: Record<string, string> = {
  'POST /api/hubspot/integrations/{tenant_id}': `{"access_token":"${mark}"}`,
  'POST /api/hubspot/endpoints/{tenant_id}': `{"url":"https://${mark}.example.com/"}`,
  'POST /api/hubspot/endpoints/{tenant_id}/{endpoint_id}/recover': '{"since":"2026-01-01T00:00:00Z"}',
  'POST /api/hubspot/issues/{tenant_id}/read': '{"issue_ids":["0b1e5f64-6a0b-4c39-9a53-0d6a4e0c7f13"]}',
  'POST /api/hubspot/oauth/callback': `{"code":"${mark}","state":"${mark}"}`,
}
const webhooks = 'POST /api/hubspot/webhooks'
/** Or it is refused before anything else is checked. */
const signedInForm = () => ({
  'content-type': 'application/json',
  'x-hubspot-signature-v3': Buffer.alloc(32).toString('base64'),
  'x-hubspot-request-timestamp': String(Date.now()),
})
const sent = (operation: Operation, query = '') => ({
  what: `${operation.name}${query}`,
  method: operation.method,
  path: `${pathOf(operation, ids)}${query}`,
  secret: [mark],
  ...(operation.name === webhooks ? { headers: signedInForm() } : {}),
  ...(operation.body
    ? { headers: { 'content-type': 'application/json' }, body: bodies[operation.name] ?? '{}' }
    : {}),
})

test('every route refuses a query that it does not know, by its place and without its value', async () => {
  for (const operation of strict()) {
    const { json } = await bench.refused({ ...sent(operation, `?foo=${mark}`), ...bad, pointer: '/foo' })
    const names = operation.query.map(({ name }) => name).sort()
    const known = names.length > 20 ? 'the API reference lists the known ones' : `known: ${names.join(', ')}`
    const rule = `is not a known query parameter (${names.length > 0 ? known : 'none exists'})`
    assert.deepEqual(json.errors[0], { pointer: '/foo', parameter: 'foo', rule })
    assert.equal(json.error, `foo ${rule}`)
    await bench.refused({ ...sent(operation, `?api_key=${mark}&foo=1`), ...bad })
    await bench.refused({ ...sent(operation, `?__proto__=${mark}`), ...bad })
  }
})

test('a misspelled query parameter is refused with the nearest that there is', async () => {
  const wrong = operations.flatMap((operation) =>
    operation.query
      // Of a single letter nothing can be left out.
      .filter(({ name }) => name.length > 1)
      .map(({ name }) => ({ operation, name, typo: `${name.slice(0, -2)}${name.at(-1)}` })),
  )
  assert.ok(wrong.length > 10)
  for (const { operation, name, typo } of wrong) {
    if (!strict().includes(operation)) continue
    const { json } = await bench.refused({ ...sent(operation, `?${typo}=1`), ...bad, pointer: `/${typo}` })
    assert.match(
      json.errors[0].rule,
      new RegExp(`\\(did you mean ${name.replace(/\.\w+$/, '.*')}\\? (known: |the API)`),
      operation.name,
    )
  }
})

test('every route refuses a parameter that is given twice, unless it may be repeated', async () => {
  const given = operations.flatMap((operation) =>
    operation.query
      .filter(({ schema }) => (schema as { type?: string }).type !== 'array')
      .map(({ name }) => ({ operation, name })),
  )
  assert.ok(given.length > 10)
  for (const { operation, name } of given) {
    const query = `?${name}=${mark}&${name}=${mark}`
    await bench.refused({ ...sent(operation, query), ...bad, pointer: `/${name}` })
  }
})

test('every route that pages refuses a cursor that it did not give out for these ids', async () => {
  const paging = operations.filter(({ query }) => query.some(({ name }) => name === 'after'))
  assert.ok(paging.length >= 4)
  const { otherTenant, otherIntegration } = bench
  const cursors = [
    mark,
    '%00',
    'W10',
    encodeCursor(otherTenant, otherIntegration),
    encodeCursor(otherIntegration, otherTenant),
    encodeCursor(otherIntegration, '1'),
  ]
  for (const operation of paging) {
    for (const cursor of cursors) {
      const expected = { status: 400, code: 'invalid_cursor', pointer: '/after' }
      await bench.refused({ ...sent(operation, `?after=${cursor}`), ...expected })
    }
  }
})

test('the issues of an unknown tenant or integration are 404, also with a made-up cursor', async () => {
  const unknown = '99999999-9999-4999-8999-999999999999'
  for (const path of [
    `/api/hubspot/issues/${unknown}?after=${mark}`,
    `/api/hubspot/issues/${bench.tenant}?integration_id=${unknown}&after=${mark}`,
  ])
    await bench.refused({ what: path, path, status: 404, code: 'integration_not_found' })
})

test('every route that pages refuses a cursor of its own with a position that it never gave out', async () => {
  const paging = operations.filter(({ query }) => query.some(({ name }) => name === 'after'))
  const positions: unknown[] = [
    '\0',
    '1\0',
    '\ud800',
    '',
    ' ',
    '1 ',
    '-1',
    '-infinity',
    '1.5',
    '9'.repeat(30),
    '٣',
  ]
  positions.push("1'; --", '275760-09-14', '"', '\n', 'x'.repeat(700), 7, 1e308, null, true, [], {}, ['1'])
  const encode = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url')
  // The owner that a cursor must name differs from route to route.
  const owners = [ids.tenant_id, ids.integration_id, ids.endpoint_id, 'tenants', 'operator']
  const made = owners.flatMap((owner) => positions.map((position) => [owner, position]))
  const [owner] = owners
  made.push([owner], [owner, '1', '1'], [])
  for (const operation of paging) {
    const ofOne = operation.query.some(({ name }) => name === 'integration_id')
    for (const query of ['', ...(ofOne ? [`&integration_id=${ids.integration_id}`] : [])])
      await Promise.all(
        made.map(async (cursor) => {
          const [, position] = cursor
          // HubSpot's own cursor may be any text: HubSpot refuses that one.
          const word = typeof position === 'string' && /^[\x21-\x7e]{1,512}$/.test(position)
          if (word && operation.template.includes('/tickets/')) return
          const what = `${operation.name}${query} ${JSON.stringify(cursor)}`
          const answer = await bench.send(sent(operation, `?after=${encode(cursor)}${query}`))
          checkShape(answer, { what, status: 400, code: 'invalid_cursor' })
        }),
      )
  }
})

test('a NUL or bytes that are no text are refused wherever a path or a query takes something', async () => {
  const from = bench.service.lines.length
  for (const operation of operations) {
    for (const odd of ['%00', '1%00', '%ed%a0%80', '%ff']) {
      const names = [...operation.template.matchAll(/\{(\w+)\}/g)].map(([, name]) => String(name))
      const paths = names.map((name) => ({
        ...sent(operation),
        path: pathOf(operation, { ...ids, [name]: odd }),
      }))
      const queries = operation.query.map(({ name }) => sent(operation, `?${name}=${odd}`))
      for (const one of [...paths, ...queries]) {
        const { status } = await bench.send(one)
        assert.ok(status >= 400 && status < 500, `${one.method} ${one.path}: ${status}`)
      }
    }
  }
  assert.deepEqual(
    bench.service.lines.slice(from).filter((line) => line.includes('a request failed')),
    [],
  )
})

test('every path answers 405 and names what it takes to every other method', async () => {
  const paths = Map.groupBy(operations, ({ template }) => template)
  for (const [template, there] of paths) {
    const takes = there.map(({ method }) => method)
    const path = pathOf(there[0] as Operation, ids)
    for (const method of ['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'TRACE', 'PROPFIND']) {
      if (takes.includes(method)) continue
      const what = `${method} ${template}`
      const { headers } = await bench.refused({ what, method, path, status: 405, code: 'method_not_allowed' })
      const allowed = String(headers.allow).split(', ')
      assert.deepEqual(
        takes.filter((one) => !allowed.includes(one)),
        [],
        what,
      )
      assert.ok(!allowed.includes(method), what)
    }
  }
})

test('a body that announces 2 MiB is 413 at once, and the connection is closed', async () => {
  for (const operation of operations.filter(({ body }) => body)) {
    const path = pathOf(operation, ids)
    const head = `POST ${path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n`
    const answer = await sendRaw(bench.service.url, `${head}Content-Length: ${2 << 20}\r\n\r\n{`)
    checkShape(answer, { what: operation.name, status: 413, code: 'body_too_large' })
    assert.ok(answer.ms < 1_000, `${answer.ms} ms`)
  }
})

test('HEAD is answered at once on every path, also where GET is a stream that stays open', async () => {
  bench.emulator.world.faults.add({ kind: 'delay', delay_ms: 3_000, times: null })
  const path = `/api/hubspot/sync/${bench.tenant}/${bench.integration}`
  const headers = { 'content-type': 'application/json' }
  const { json } = await bench.send({ method: 'POST', path, headers, body: '{}' })
  const running = { ...ids, sync_event_id: json.sync_event_id }
  for (const operation of operations.filter(
    ({ method, name }) => method === 'GET' && !/status|tickets/.test(name),
  )) {
    const line = `HEAD ${pathOf(operation, running)} HTTP/1.1`
    const answer = await sendRaw(bench.service.url, `${line}\r\nHost: localhost\r\nConnection: close\r\n\r\n`)
    assert.ok(answer.ms < 1_000, `${operation.name}: ${answer.ms} ms`)
    assert.equal(answer.text, '', operation.name)
  }
  bench.emulator.world.faults.clear()
})
