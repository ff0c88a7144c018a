/** Webhooks out as a receiver sees them, written with the `standardwebhooks` package alone: a tenant's endpoints, and the product's. */
import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type IncomingHttpHeaders } from 'node:http'
import type { AddressInfo } from 'node:net'
import { after, afterEach, before, beforeEach, test } from 'node:test'
import { Webhook } from 'standardwebhooks'
import { databaseOf } from '../http/database.ts'
import { connectTenant, idle, newAccount } from '../http/http-fixture.ts'
import { startTestEmulator, type TestEmulator } from '../support/emulator.ts'
import { assertFits, openapi } from '../support/openapi.ts'
import { adminQuery } from '../support/postgres.ts'
import { eventually, startTestService, type TestService } from '../support/service.ts'

interface Heard {
  path: string
  headers: Record<string, string>
  text: string
  // biome-ignore lint/suspicious/noExplicitAny: a test looks into what it heard
  body: any
}

let heard: Heard[] = []
/** The response per path; by default 204. */
let statuses = new Map<string, number>()
const receiver = createServer(async (request, response) => {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk as Buffer)
  const text = Buffer.concat(chunks).toString('utf8')
  const path = request.url ?? ''
  heard.push({ path, headers: plain(request.headers), text, body: JSON.parse(text) })
  response.writeHead(statuses.get(path) ?? 204).end()
})
const plain = (headers: IncomingHttpHeaders) =>
  Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, String(value)]))
const productSecret = `whsec_${Buffer.alloc(32, 9).toString('base64')}`

let emulator: TestEmulator
let service: TestService
let database: string
let base: string
let tenant: string
let integration: string
let portal: number

before(async () => {
  await once(receiver.listen(0, '127.0.0.1'), 'listening')
  base = `http://127.0.0.1:${(receiver.address() as AddressInfo).port}`
  emulator = await startTestEmulator({
    quirks: { index_lag_ms: 0, index_lag_jitter_ms: 0, index_outlier_ms: 0 },
  })
  database = await databaseOf()
  service = await startTestService(emulator.url, {
    DATABASE_URL: database,
    SPOKE_ENDPOINTS_PRIVATE: 'true',
    SPOKE_EVENTS_URL: `${base}/product`,
    SPOKE_EVENTS_SECRET: productSecret,
    SPOKE_EVENTS_INCLUDE: 'issue',
  })
  const account = newAccount(emulator, { tickets: 20 })
  portal = account.portal
  ;({ tenant, integration } = await connectTenant(service, account.token))
  await idle(service, database)
})
beforeEach(() => {
  heard = []
  statuses = new Map()
})
afterEach(() => {
  for (const { body, headers } of heard) {
    const described = openapi.webhooks[body.type]?.post
    assert.ok(described, `the document does not describe ${body.type}`)
    assertFits(described.requestBody?.content['application/json']?.schema ?? {}, body, body.type)
    const signed = described.parameters?.map(({ $ref = '' }) => $ref.split('/').at(-1) as string) ?? []
    assert.equal(signed.length, 3)
    for (const name of signed) assert.ok(headers[name], `${body.type} has no ${name}`)
  }
})
after(async () => {
  await service?.stop()
  await emulator?.close()
  receiver.closeAllConnections()
  receiver.close()
})

const path = (rest = '', of = tenant) => `/api/hubspot/endpoints/${of}${rest}`
const runSql = (text: string) => adminQuery(text, database)
const at = (where: string) => heard.filter(({ path }) => path === where)
async function post(rest: string, body: object = {}, status = 200, headers = {}) {
  const answer = await service.post(path(rest), body, headers)
  assert.equal(answer.status, status, JSON.stringify(answer.body))
  return answer.body
}
const endpoint = (where: string, more: object = {}) => post('', { url: base + where, ...more }, 201)
const deliveries = async (id: string) => (await service.get(path(`/${id}/deliveries`))).body.deliveries
const stateOf = async (id: string) =>
  (await service.get(path())).body.endpoints.find((one: { endpoint_id: string }) => one.endpoint_id === id)
const tickets = async () =>
  (
    (await runSql(
      `select ticket_id as id from issues where integration_id = '${integration}' and not archived order by 1`,
    )) as { id: string }[]
  ).map(({ id }) => id)
/** Edits, then reads until the store has the edit. */
async function edit(ids: string[], subject: string) {
  await emulator.control('PATCH', `/portals/${portal}/tickets`, { ids, properties: { subject } })
  await eventually(async () => {
    await service.post(`/api/hubspot/sync/${tenant}/${integration}`, { sync_type: 'incremental' })
    await idle(service, database)
    const [row] = (await runSql(`select count(*)::int as n from issues where subject = '${subject}'`)) as {
      n: number
    }[]
    return row?.n === ids.length
  }, `${subject} is stored`)
}
const hurry = (id: string) =>
  runSql(`update deliveries set due_at = now() where endpoint_id = '${id}' and due_at < 'infinity'`)
const proved = ({ text, headers }: Heard, secret: string) => {
  try {
    new Webhook(secret).verify(text, headers)
    return true
  } catch {
    return false
  }
}

test('an endpoint gets the event types it subscribed to, signed, with old and new value', async () => {
  const made = await endpoint('/a', { types: ['issue.updated'] })
  assert.match(made.secret, /^whsec_/)
  const [a, b] = (await tickets()) as [string, string]
  await edit([a, b], 'edited outside')
  await eventually(async () => at('/a').length === 2, 'both are delivered')
  for (const one of at('/a')) {
    assert.ok(proved(one, made.secret))
    assert.ok(!proved(one, productSecret))
    assert.equal(one.headers['webhook-id'], one.body.id)
    assert.equal(one.body.type, 'issue.updated')
    assert.equal(one.body.tenant_id, tenant)
    assert.equal(one.body.data.changed.subject.to, 'edited outside')
    assert.equal(one.body.data.integration_id, integration)
  }
  // The answer is recorded after the receiver has given it.
  const first = await eventually(async () => {
    const [one] = await deliveries(made.endpoint_id)
    return one.state === 'delivered' && one
  }, 'the arrival is recorded')
  assert.deepEqual([first.attempts.length, first.attempts[0].status], [1, 204])
  await service.delete(path(`/${made.endpoint_id}`))
})

test('an endpoint that includes issues gets each as of its change, even if it changed again before it was sent', async () => {
  const plain = await endpoint('/plain', { types: ['issue.updated'] })
  const made = await endpoint('/full', { types: ['issue.updated'], include: ['issue'] })
  assert.deepEqual([plain.include, made.include], [[], ['issue']])
  statuses.set('/full', 503)
  const [a] = (await tickets()) as [string]
  await edit([a], 'sent late')
  await eventually(async () => at('/full').length === 1, 'it is refused')
  await edit([a], 'sent at once')
  statuses.delete('/full')
  const refused = at('/full').length
  const delivered = () => at('/full').slice(refused)
  const ofProduct = () => at('/product').filter(({ body }) => body.type === 'issue.updated')
  await hurry(made.endpoint_id)
  await eventually(
    async () => delivered().length === 2 && at('/plain').length === 2 && ofProduct().length === 2,
    'all are delivered',
  )
  const [late, newest] = delivered().map(({ body }) => body.data)
  assert.deepEqual([late.issue.subject, newest.issue.subject], ['sent late', 'sent at once'])
  const {
    success: _,
    tenant_id: __,
    ...shown
  } = (await service.get(`/api/hubspot/issues/${tenant}/${newest.issue_id}`)).body
  assert.deepEqual(newest.issue, shown)
  assert.deepEqual(ofProduct().at(-1)?.body.data.issue, shown, 'the configuration includes it')
  for (const { body } of at('/plain')) assert.ok(!('issue' in body.data))

  // Longer than what is included.
  await runSql(
    `update issues set properties = properties || jsonb_build_object('note', repeat('x', 300000)) where ticket_id = '${a}'`,
  )
  await post(`/${made.endpoint_id}/deliveries/${delivered()[1]?.body.id}/resend`, {}, 202)
  await eventually(async () => delivered().length === 3, 'it is sent again')
  assert.equal(delivered()[2]?.body.data.issue, null)
  await runSql(`update issues set properties = properties - 'note' where ticket_id = '${a}'`)

  const changed = await post(`/${made.endpoint_id}`, { include: [] })
  assert.deepEqual(changed.include, [])
  assert.deepEqual((await post(`/${made.endpoint_id}`, { in_order: false })).include, [])
  await post(`/${made.endpoint_id}/test`, {}, 202)
  await eventually(async () => delivered().length === 4, 'the test is delivered')
  assert.equal(delivered()[3]?.body.data.issue, undefined)
  for (const one of [plain, made]) await service.delete(path(`/${one.endpoint_id}`))
})

test('the operator’s endpoint gets the events of every tenant, and no tenant’s list contains it', async () => {
  const other = await connectTenant(service, newAccount(emulator).token)
  await idle(service, database)
  const ofOther = () => at('/product').filter(({ body }) => body.tenant_id === other.tenant)
  await eventually(
    async () => new Set(ofOther().map(({ body }) => body.type)).size === 2,
    'its connect and its first load are delivered',
  )
  const delivered = ofOther()
  assert.deepEqual(
    new Set(delivered.map(({ body }) => body.type)),
    new Set(['integration.connected', 'sync.completed']),
  )
  assert.ok(delivered.every((one) => proved(one, productSecret)))
  assert.deepEqual((await service.get(path('', other.tenant))).body.endpoints, [])
})

test('what fails is tried again with the same id, and what was tried is shown', async () => {
  const made = await endpoint('/fails', { types: ['issue.updated'] })
  statuses.set('/fails', 500)
  const [a] = (await tickets()) as [string]
  await edit([a], 'tried again')
  const waiting = await eventually(async () => {
    const [one] = await deliveries(made.endpoint_id)
    return one?.attempts.length === 1 && one
  }, 'a try has failed')
  assert.equal(waiting.state, 'waiting')
  assert.deepEqual([waiting.attempts[0].status, waiting.attempts[0].error], [500, null])
  assert.ok(Date.parse(waiting.next_attempt_at) > Date.now())
  assert.notEqual((await stateOf(made.endpoint_id)).failing_since, null)
  statuses.delete('/fails')
  await hurry(made.endpoint_id)
  await eventually(async () => (await deliveries(made.endpoint_id))[0].state === 'delivered', 'it arrives')
  const [first, second] = at('/fails')
  assert.equal(first?.headers['webhook-id'], second?.headers['webhook-id'])
  assert.equal(first?.text, second?.text)
  assert.deepEqual(
    [(await stateOf(made.endpoint_id)).failing_since, (await stateOf(made.endpoint_id)).waiting],
    [null, 0],
  )
  await service.delete(path(`/${made.endpoint_id}`))
})

test('in order: an event of a ticket waits for earlier ones of the same ticket; other tickets do not', async () => {
  const made = await endpoint('/ordered', { types: ['issue.updated'], in_order: true })
  const loose = await endpoint('/loose', { types: ['issue.updated'], in_order: false })
  for (const where of ['/ordered', '/loose']) statuses.set(where, 503)
  const [a, b] = (await tickets()) as [string, string]
  await edit([a], 'first')
  // However long the next edits take, the first is not tried again meanwhile.
  await eventually(async () => {
    const postponed = await runSql(
      `update deliveries set due_at = now() + interval '1 hour' where attempt_count = 1 and due_at < 'infinity'
       and endpoint_id in ('${made.endpoint_id}', '${loose.endpoint_id}') returning 1`,
    )
    return postponed.length === 2
  }, 'the first try has failed')
  await edit([a], 'second')
  await edit([b], 'of another')
  await eventually(
    async () => at('/ordered').length === 2 && at('/loose').length === 3,
    'what may be sent was sent',
  )
  assert.deepEqual(
    at('/ordered').map(({ body }) => body.data.changed.subject.to),
    ['first', 'of another'],
  )
  statuses.clear()
  heard = []
  await hurry(made.endpoint_id)
  await eventually(async () => at('/ordered').length === 3, 'all arrive')
  const subjects = at('/ordered').map(({ body }) => body.data.changed.subject.to)
  assert.ok(subjects.indexOf('first') < subjects.indexOf('second'), String(subjects))
  for (const { endpoint_id } of [made, loose]) await service.delete(path(`/${endpoint_id}`))
})

test('after eight attempts a webhook has failed, after five days the endpoint is disabled; recovered, all arrives', async () => {
  const made = await endpoint('/long', { types: ['issue.updated', 'endpoint.disabled'] })
  const id = made.endpoint_id
  statuses.set('/long', 500)
  const [a, b] = (await tickets()) as [string, string]
  const since = new Date().toISOString()
  await edit([a], 'failed eight times')
  for (let tries = 1; tries <= 8; tries++) {
    await eventually(async () => (await deliveries(id))[0]?.attempts.length === tries, `try ${tries}`)
    await hurry(id)
  }
  const [failed] = await deliveries(id)
  assert.deepEqual([failed.state, failed.next_attempt_at], ['failed', null])
  await runSql(`update endpoints set failing_since = now() - interval '6 days' where endpoint_id = '${id}'`)
  await edit([b], 'of the last day')
  await eventually(async () => (await stateOf(id)).disabled_at !== null, 'it is disabled')
  const { changes } = (await service.get(`/api/hubspot/changes/${tenant}?limit=1000`)).body
  const disabled = changes.filter(({ type }: { type: string }) => type === 'endpoint.disabled')
  assert.deepEqual(
    disabled.map(({ detail }: { detail: object }) => detail),
    [{ endpoint_id: id, reason: 'no delivery has succeeded for five days' }],
  )
  await edit([a], 'while disabled')
  assert.equal((await stateOf(id)).waiting, 0)
  await post(`/${id}/recover`, { since }, 404)

  statuses.delete('/long')
  heard = []
  await post(`/${id}`, { enabled: true, types: ['issue.updated'] })
  assert.equal((await post(`/${id}/recover`, { since })).queued, 3)
  await eventually(async () => at('/long').length === 3, 'all arrive')
  assert.deepEqual(
    at('/long')
      .map(({ body }) => body.data.changed.subject.to)
      .sort(),
    ['failed eight times', 'of the last day', 'while disabled'],
  )
  await eventually(async () => (await stateOf(id)).waiting === 0, 'the arrivals are recorded')
  assert.equal((await post(`/${id}/recover`, { since })).queued, 0)
  await service.delete(path(`/${id}`))
})

test('410 disables at once; a test event goes to one endpoint only; one delivery is sent again', async () => {
  const [one, other] = [await endpoint('/one'), await endpoint('/other')]
  const { change_id: changeId } = await post(`/${one.endpoint_id}/test`, {}, 202)
  await eventually(async () => at('/one').some(({ body }) => body.id === changeId), 'the test arrives')
  assert.equal(at('/one')[0]?.body.type, 'endpoint.test')
  await post(`/${one.endpoint_id}/deliveries/${changeId}/resend`, {}, 202)
  await eventually(
    async () => at('/one').filter(({ body }) => body.id === changeId).length === 2,
    'and again',
  )
  assert.deepEqual([at('/other').length, at('/product').length], [0, 0])
  await post(`/${other.endpoint_id}/deliveries/${changeId}/resend`, {}, 404)
  statuses.set('/other', 410)
  await post(`/${other.endpoint_id}/test`, {}, 202)
  const gone = await eventually(async () => {
    const state = await stateOf(other.endpoint_id)
    return state.disabled_at !== null && state
  }, 'it is disabled')
  assert.match(gone.disabled_reason, /410/)
  for (const { endpoint_id } of [one, other]) await service.delete(path(`/${endpoint_id}`))
})

test('during a rotation both secrets verify', async () => {
  const made = await endpoint('/rotated', { secret: `whsec_${Buffer.alloc(24, 1).toString('base64')}` })
  const { secret, previous_secret_expires_at } = await post(`/${made.endpoint_id}/rotate`, {}, 201)
  assert.ok(Date.parse(previous_secret_expires_at) > Date.now() + 23 * 3_600_000)
  await post(`/${made.endpoint_id}/test`, {}, 202)
  const [received] = await eventually(
    async () => at('/rotated').length > 0 && at('/rotated'),
    'the test arrives',
  )
  assert.ok(received && proved(received, secret) && proved(received, made.secret))
  await runSql(
    `update endpoints set previous_secret_expires_at = now() where endpoint_id = '${made.endpoint_id}'`,
  )
  heard = []
  await post(`/${made.endpoint_id}/test`, {}, 202)
  const [later] = await eventually(async () => at('/rotated').length > 0 && at('/rotated'), 'another')
  assert.ok(later && proved(later, secret) && !proved(later, made.secret))
  const rows = JSON.stringify(await runSql('select * from endpoints'))
  for (const shown of [secret, made.secret]) assert.ok(!rows.includes(shown.slice('whsec_'.length)))
  await service.delete(path(`/${made.endpoint_id}`))
})

test('an unknown type is refused with those there are, at the start and at a change; in_order is true unless given', async () => {
  const made = await endpoint('/typed')
  assert.equal(made.in_order, true)
  for (const rest of ['', `/${made.endpoint_id}`]) {
    const { errors, error } = await post(rest, { url: base, types: ['issue.created', 'issue.updatd'] }, 400)
    assert.equal(errors[0].pointer, '/types/1')
    assert.match(errors[0].rule, /^must be one of issue\.created, .*; the nearest is issue\.updated$/)
    assert.equal(error, `The field types.1 ${errors[0].rule}`)
  }
  assert.equal((await stateOf(made.endpoint_id)).types, null)
  await service.delete(path(`/${made.endpoint_id}`))
})

test('odd endpoints are refused, another tenant’s is not there, and a key makes one only', async () => {
  for (const body of [
    {},
    { url: 'nowhere' },
    { url: 'ftp://example.com/' },
    { url: `${base}/#x` },
    { url: base, types: [] },
    { url: base, types: ['ISSUE'] },
    { url: base, include: ['tickets'] },
    { url: base, include: ['issue', 'issue'] },
    { url: base, include: 'issue' },
    { url: base, types: ['issue.created', 'issue.nope'] },
    { url: base, secret: 'whsec_short' },
    { url: base, more: true },
  ]) {
    const answer = await service.post(path(), body)
    assert.deepEqual([answer.status, answer.body.code], [400, 'validation_failed'], JSON.stringify(body))
  }
  const key = { 'idempotency-key': randomUUID() }
  const body = { url: `${base}/once`, types: ['issue.updated'] }
  const [first, again] = [await post('', body, 201, key), await post('', body, 201, key)]
  assert.deepEqual([again.endpoint_id, again.secret], [first.endpoint_id, null])
  // Without a body too.
  const asked = { method: 'POST', headers: { 'idempotency-key': randomUUID() } }
  const tests: unknown[][] = []
  for (let n = 0; n < 2; n++) {
    const answer = await fetch(`${service.url}${path(`/${first.endpoint_id}/test`)}`, asked)
    tests.push([answer.status, ((await answer.json()) as { change_id: string }).change_id])
  }
  assert.deepEqual(tests[0], tests[1])
  assert.equal(tests[0]?.[0], 202)
  const other = await connectTenant(service, newAccount(emulator).token)
  for (const rest of ['', '/rotate', '/test', '/recover']) {
    const answer = await service.post(
      path(`/${first.endpoint_id}${rest}`, other.tenant),
      rest === '/recover' ? { since: '2026-01-01T00:00:00Z' } : {},
    )
    assert.deepEqual([answer.status, answer.body.code], [404, 'endpoint_not_found'], rest)
  }
  assert.equal((await service.delete(path(`/${first.endpoint_id}`, other.tenant))).status, 404)
  assert.equal((await service.get(path(`/${first.endpoint_id}/deliveries`, other.tenant))).status, 404)
  assert.equal((await service.delete(path(`/${first.endpoint_id}`))).status, 200)
  assert.equal((await service.delete(path(`/${first.endpoint_id}`))).status, 404)
  for (let n = 0; n < 20; n++) await endpoint(`/many${n}`, { types: ['issue.merged'] })
  assert.equal((await service.post(path(), { url: base })).body.code, 'too_many_endpoints')
})
