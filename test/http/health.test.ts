/** Probes, metrics and the API document: open, cheap, and without data of tenants. */
import assert from 'node:assert/strict'
import { createRequire } from 'node:module'
import { after, before, test } from 'node:test'
import pg from 'pg'
import { holdDatabase } from './hold.ts'
import { type Bench, startBench } from './http-fixture.ts'

let bench: Bench
before(async () => {
  bench = await startBench()
})
after(() => bench.stop())

test('a service that can serve is alive and ready', async () => {
  for (const path of ['/livez', '/readyz']) {
    const answer = await bench.send({ path })
    assert.equal(answer.status, 200, answer.text)
    assert.equal(answer.json.status, 'ok')
    assert.ok(answer.headers['request-id'])
  }
})

test('a flood of probes is one look at the database at a time', async (t) => {
  const release = await holdDatabase(bench.database, 'spoke_migrations')
  t.after(release)
  const { query } = pg.Client.prototype
  let looks = 0
  pg.Client.prototype.query = function (this: pg.Client, ...given: unknown[]) {
    const [first] = given as [string | { text?: string }]
    if (/^select 1\b/.test(typeof first === 'string' ? first : String(first.text))) looks += 1
    return Reflect.apply(query, this, given)
  } as typeof query
  t.after(() => {
    pg.Client.prototype.query = query
  })
  const probes = Array.from({ length: 100 }, () => bench.send({ path: '/readyz' }))
  await new Promise((resolve) => setTimeout(resolve, 500))
  await release()
  assert.ok((await Promise.all(probes)).every(({ status }) => status === 200))
  // One, and those of later callers; one takes two seconds at most.
  assert.ok(looks >= 1 && looks <= 20, `${looks} looks for 100 probes`)
})

test('metrics count HTTP, HubSpot calls, syncs and tokens, and name no tenant', async () => {
  await bench.send({ path: `/api/hubspot/tickets/${bench.tenant}/${bench.integration}` })
  await bench.send({ path: `/zqmark7/${bench.tenant}` })
  const { status, headers, text } = await bench.send({ path: '/metrics' })
  assert.equal(status, 200)
  assert.match(
    String(headers['content-type']),
    /^text\/plain; version=0\.0\.4|^application\/openmetrics-text/,
  )
  for (const word of ['http', 'hubspot', 'sync', 'token'])
    assert.match(text, new RegExp(`^# HELP \\S*${word}\\S* \\S`, 'm'), word)
  const accounts = [...bench.emulator.world.portals.keys()].map(String)
  const ids = [bench.tenant, bench.integration, bench.otherTenant, bench.otherIntegration, ...accounts]
  for (const one of [...ids, 'zqmark7']) assert.ok(!text.includes(one), one)
  assert.doesNotMatch(text, /[{,](tenant|portal|integration|hub)\w*=/)
  assert.match(text, /route="\/api\/hubspot\/tickets\/:tenant_id\/:integration_id"/)
  for (const line of text.split('\n'))
    assert.match(line, /^$|^# (HELP|TYPE) |^[a-z_:]\w*(\{.*\})? (NaN|[-+]?[\d.]+(e[-+]?\d+)?)$/i, line)
})

const documented: [path: string, methods: string[]][] = [
  ['/api/hubspot/status/{tenant_id}/{integration_id}', ['get']],
  ['/api/hubspot/tickets/{tenant_id}/{integration_id}', ['get']],
  ['/api/hubspot/sync/{tenant_id}/{integration_id}', ['post', 'get']],
  ['/api/hubspot/sync/{tenant_id}/{integration_id}/{sync_event_id}', ['get']],
  ['/api/hubspot/sync/{tenant_id}/{integration_id}/{sync_event_id}/events', ['get']],
  ['/api/hubspot/integrations/{tenant_id}', ['get', 'post']],
  ['/api/hubspot/integrations/{tenant_id}/{integration_id}', ['get', 'delete']],
  ['/api/hubspot/authorize/{tenant_id}', ['get']],
  ['/api/hubspot/oauth/callback', ['get', 'post']],
  ['/connect/{confirmation_id}', ['get', 'post']],
  ['/api/hubspot/issues/{tenant_id}', ['get']],
  ['/api/hubspot/issues/{tenant_id}/{issue_id}', ['get']],
]

test('the document is OpenAPI 3.1, lists every route, and each operation has its own name', async () => {
  const { status, json } = await bench.send({ path: '/openapi.json' })
  assert.equal(status, 200)
  assert.match(json.openapi, /^3\.1\.\d$/)
  assert.ok(json.info.title && json.info.version)
  const names: string[] = []
  for (const [path, methods] of documented) {
    for (const method of methods) {
      const operation = json.paths[path]?.[method]
      assert.ok(operation, `${method} ${path}`)
      names.push(operation.operationId)
      assert.ok(Object.keys(operation.responses).length > 0, `${method} ${path} has answers`)
      const parameters = (operation.parameters ?? []).map((one: { $ref?: string }) =>
        one.$ref ? json.components.parameters[one.$ref.split('/').at(-1) as string] : one,
      )
      const given = parameters.filter((one: { in: string }) => one.in === 'path')
      const wanted = [...path.matchAll(/\{(\w+)\}/g)].map((match) => match[1])
      assert.deepEqual(given.map((one: { name: string }) => one.name).sort(), wanted.sort(), path)
    }
  }
  assert.equal(new Set(names).size, names.length, names.join(' '))
  assert.ok(!names.includes(undefined as never))
})

test('every reference in the document resolves, and every schema compiles', async () => {
  const { json } = await bench.send({ path: '/openapi.json' })
  const require = createRequire(import.meta.url)
  const { Ajv2020 } = require('ajv/dist/2020.js')
  const ajv = new Ajv2020({ strict: false, validateFormats: false })
  const schemas: object[] = []
  const at = (pointer: string) =>
    pointer
      .split('/')
      .slice(1)
      .reduce((value, name) => value?.[name], json)
  const walk = (value: unknown): void => {
    if (value === null || typeof value !== 'object') return
    for (const [name, child] of Object.entries(value)) {
      if (name === 'schema') schemas.push(child as object)
      if (name === '$ref') assert.ok(at(String(child)), `${child} is not in the document`)
      walk(child)
    }
  }
  walk(json)
  assert.ok(schemas.length > 30, `${schemas.length} schemas`)
  for (const schema of schemas) ajv.compile({ components: json.components, ...schema })
})

test('the document describes the errors in their actual format', async () => {
  const { json } = await bench.send({ path: '/openapi.json' })
  const { responses } = json.paths['/api/hubspot/tickets/{tenant_id}/{integration_id}'].get
  const refused = responses['4XX'] ?? responses['4xx'] ?? responses['404']
  assert.ok(refused, Object.keys(responses).join(' '))
  assert.ok(responses['4XX'] ?? responses['404'], 'OpenAPI writes a range of statuses 4XX, in capitals')
})

test('the document declares for every route but the probes that it may be limited or shed, and when to retry', async () => {
  const { json } = await bench.send({ path: '/openapi.json' })
  interface Answer {
    $ref?: string
    headers?: object
    content?: object
    'x-error-codes'?: string[]
  }
  const expected = { 429: ['rate_limited'], 503: ['overloaded', 'disk_full', 'unavailable'] }
  for (const [path, operations] of Object.entries(json.paths as Record<string, Record<string, never>>))
    for (const [method, { responses }] of Object.entries(operations) as [string, { responses: never }][])
      for (const [status, codes] of Object.entries(expected)) {
        const given = responses[status] as Answer | undefined
        const answer: Answer = given?.$ref
          ? json.components.responses[given.$ref.split('/').at(-1) as string]
          : given
        const declared = answer?.['x-error-codes'] ?? []
        const probe = path === '/livez' || path === '/readyz'
        if (probe) assert.deepEqual(declared, [], `${method} ${path}`)
        else {
          assert.deepEqual(declared.slice(0, codes.length), codes, `${method} ${path}`)
          assert.ok('Retry-After' in (answer.headers ?? {}), `${method} ${path}`)
          assert.deepEqual(Object.keys(answer.content ?? {}), ['application/json'], `${method} ${path}`)
        }
      }
})
