/** The client against a real Spoke: pages, conditions, errors, repeats, and a credential that is nowhere printed. */
import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { after, before, test } from 'node:test'
import { inspect } from 'node:util'
import { createSpoke, type Issue, type SpokeError, type SpokeTenant } from '../../packages/sdk/src/spoke.ts'
import { startTestEmulator, type TestEmulator } from '../support/emulator.ts'
import { eventually, startTestService, type TestService } from '../support/service.ts'

const key = 'the-key-of-the-operator-in-this-test'
const tickets = 230

let emulator: TestEmulator
let service: TestService
let tenant: SpokeTenant
let integrationId: string
let token: string

before(async () => {
  emulator = await startTestEmulator({ quirks: { index_lag_ms: 0, index_lag_jitter_ms: 0 } })
  service = await startTestService(emulator.url, { SPOKE_ADMIN_KEY: key })
  const { portal_id: hubId } = emulator.world.addPortal({ tickets })
  token = emulator.world.addToken(hubId, { kind: 'private_app' }).token
  tenant = createSpoke({ baseUrl: service.url, key }).tenant(randomUUID())
  integrationId = (await tenant.integrations.connect({ access_token: token })).integration_id
  await eventually(async () => {
    const { count, indexing } = await tenant.issues.list({ limit: 1, count: 'exact' })
    return count === tickets && indexing.length === 0
  }, 'the issues are synced and indexed')
})

after(async () => {
  await service?.stop()
  await emulator?.close()
})

/** A client whose first requests are answered by `answers`, the others by Spoke. */
function clientWith(answers: ((request: Request) => Response | Promise<Response>)[], baseMs = 1) {
  const sent: Request[] = []
  const spoke = createSpoke({
    baseUrl: service.url,
    key,
    retry: { baseMs },
    fetch: async (request) => {
      const answer = answers[sent.length]
      sent.push(request.clone())
      return answer ? await answer(request) : await fetch(request)
    },
  })
  return { spoke, tenant: spoke.tenant(tenant.id), sent }
}
const unavailable =
  (headers: Record<string, string> = {}) =>
  () =>
    new Response('', { status: 503, headers })

async function rejected(work: Promise<unknown>): Promise<SpokeError> {
  try {
    await work
  } catch (error) {
    return error as SpokeError
  }
  assert.fail('it succeeded')
}

test('a page, and all pages one after the other, each issue once', async () => {
  const page = await tenant.issues.list({ limit: 3 })
  assert.equal(page.issues.length, 3)
  assert.ok(page.next_after)
  const all: Issue[] = []
  for await (const issue of tenant.issues.all({ limit: 100 })) all.push(issue)
  assert.equal(new Set(all.map(({ issue_id }) => issue_id)).size, tickets)
  assert.equal(all.length, tickets)
  const one = await tenant.issues.get(all[0]?.issue_id as string)
  assert.equal(one.ticket_id, all[0]?.ticket_id)
})

test('conditions are lists, single values, booleans and times', async () => {
  const stages = (await tenant.issues.facets()).facets.stage
  const [first, second] = [...new Set(stages.map(({ stage_name }) => stage_name as string))]
  const names = [first, second] as string[]
  const listed: Issue[] = []
  for await (const issue of tenant.issues.all({ stage_name: names, archived: false })) listed.push(issue)
  const expected = stages.filter(({ stage_name }) => names.includes(stage_name as string))
  assert.equal(
    listed.length,
    expected.reduce((sum, { count }) => sum + count, 0),
  )
  assert.ok(listed.length > 0 && listed.length < tickets)
  const single = await tenant.issues.facets({ stage_name: first as string })
  assert.deepEqual(new Set(single.facets.stage.map(({ stage_name }) => stage_name)), new Set([first]))
  const later = await tenant.issues.list({ 'modified_at.gt': new Date('2100-01-01'), count: 'exact' })
  assert.equal(later.count, 0)
  // No issue meets a list of no values; without the parameter all would.
  await assert.rejects(tenant.issues.list({ stage_name: [] }), /stage_name is an empty list/)
})

test('a condition on a property of the account is sent under its name', async () => {
  const { tenant: own, sent } = clientWith([() => Response.json({ success: true })])
  await own.issues.list({ 'properties.hs_custom': ['a', 'b c'] })
  assert.match(sent[0]?.url as string, /\?properties\.hs_custom=a&properties\.hs_custom=b%20c$/)
})

test('an error has the code, the status, the request’s id and what was wrong', async () => {
  const missing = await rejected(tenant.issues.get(randomUUID(), {}, { requestId: 'seen-in-the-log' }))
  assert.equal(missing.name, 'SpokeError')
  assert.deepEqual(
    [missing.code, missing.status, missing.requestId, missing.details],
    ['issue_not_found', 404, 'seen-in-the-log', []],
  )
  const wrong = await rejected(tenant.issues.list({ limit: 100_000 }))
  assert.deepEqual([wrong.code, wrong.status], ['validation_failed', 400])
  assert.equal(wrong.details[0]?.parameter, 'limit')
  const nobody = await rejected(createSpoke({ baseUrl: service.url }).tenants.list())
  assert.deepEqual([nobody.code, nobody.status], ['unauthenticated', 401])
})

test('an answer of something else is an error too', async () => {
  const { tenant: own, sent } = clientWith([
    () => new Response('<html>', { status: 200, headers: { 'content-type': 'text/html' } }),
    () => new Response('', { status: 200 }),
    () => new Response('null', { status: 200 }),
    () => new Response('<html>', { status: 403 }),
    () => new Response('', { status: 302, headers: { location: 'http://elsewhere.invalid/' } }),
  ])
  for (const status of [200, 200, 200, 403, 302]) {
    const error = await rejected(own.integrations.list())
    assert.deepEqual([error.code, error.status], ['unexpected_response', status])
  }
  assert.ok(sent.every(({ redirect }) => redirect === 'manual'))
})

test('a read is repeated, and not before Retry-After', async () => {
  const { tenant: own, sent } = clientWith([
    unavailable({ 'retry-after': '1' }),
    () => Promise.reject(new TypeError('fetch failed')),
  ])
  const began = performance.now()
  assert.equal((await own.issues.list({ limit: 1 })).issues.length, 1)
  assert.equal(sent.length, 3)
  assert.ok(performance.now() - began >= 1_000)
})

test('repeats are bounded, and a wait that is too long is not begun', async () => {
  const many = clientWith(Array.from({ length: 9 }, () => unavailable()))
  assert.equal((await rejected(many.tenant.issues.list())).status, 503)
  assert.equal(many.sent.length, 4)
  const long = clientWith([unavailable({ 'retry-after': '3600' })])
  const soon = { signal: AbortSignal.timeout(5_000) }
  assert.equal((await rejected(long.tenant.issues.list({}, soon))).retryAfterMs, 3_600_000)
  assert.equal(long.sent.length, 1)
  const final = clientWith([() => Response.json({ error: 'No', code: 'internal' }, { status: 500 })])
  assert.equal((await rejected(final.tenant.issues.list())).code, 'internal')
  assert.equal(final.sent.length, 1)
})

test('a POST is repeated with one Idempotency-Key and takes effect once; a DELETE is not repeated', async () => {
  // The request arrives, and its response is lost.
  const lost = async (request: Request) => {
    await fetch(request)
    throw new TypeError('terminated')
  }
  const { tenant: own, sent } = clientWith([lost])
  const before = (await tenant.apiKeys.list()).api_keys.length
  const created = await own.apiKeys.create({ name: 'reporting', scopes: ['read'] })
  assert.equal(created.api_key, null)
  assert.equal((await tenant.apiKeys.list()).api_keys.length, before + 1)
  const keys = sent.map(({ headers }) => headers.get('idempotency-key'))
  assert.equal(keys.length, 2)
  assert.match(keys[0] as string, /^[0-9a-f]{32}$/)
  assert.equal(keys[0], keys[1])
  const given = clientWith([])
  await given.tenant.apiKeys.rotate(created.key_id, {}, { idempotencyKey: 'job-17' })
  assert.equal(given.sent[0]?.headers.get('idempotency-key'), 'job-17')

  const deletes = clientWith([unavailable()])
  assert.equal((await rejected(deletes.tenant.apiKeys.revoke(created.key_id))).status, 503)
  assert.equal(deletes.sent.length, 1)
})

test('a signal ends a call, and the wait for another attempt; an attempt has a limit in time', async () => {
  const hangs = (request: Request) =>
    new Promise<Response>((_, reject) =>
      request.signal.addEventListener('abort', () => reject(request.signal.reason)),
    )
  const reason = new Error('enough')
  for (const answer of [hangs, unavailable({ 'retry-after': '30' })]) {
    const { tenant: own } = clientWith([answer])
    const stop = new AbortController()
    setTimeout(() => stop.abort(reason), 20)
    assert.equal(await rejected(own.issues.list({}, { signal: stop.signal })), reason)
  }
  const slow = clientWith([hangs, hangs, hangs, hangs])
  const error = await rejected(slow.tenant.issues.list({}, { timeoutMs: 10 }))
  assert.deepEqual([error.code, error.status, slow.sent.length], ['timeout', 0, 4])
})

test('the credential is in nothing that is printed', async () => {
  const client = createSpoke({ baseUrl: service.url, key })
  const refused = createSpoke({ baseUrl: service.url, key: `${key}-wrong` })
  const offline = createSpoke({ baseUrl: 'http://127.0.0.1:1', key, retry: { attempts: 1 } })
  const printed = [
    client,
    client.tenant(tenant.id),
    await rejected(refused.tenants.list()),
    await rejected(offline.tenants.list()),
    ...[`${key}\n`, `${key}ü`].map((bad) => {
      try {
        return createSpoke({ baseUrl: service.url, key: bad })
      } catch (error) {
        return error
      }
    }),
    await rejected(createSpoke({ baseUrl: service.url, token: () => `${key}\r\nx: y` }).tenants.list()),
    await rejected(createSpoke({ baseUrl: service.url, csrfToken: () => `${key}\n\n!` }).session.end()),
  ]
  assert.equal(printed.filter((one) => one instanceof TypeError).length, 4)
  for (const one of printed) {
    const text = `${inspect(one, { depth: 20, showHidden: true })} ${JSON.stringify(one)} ${String(one)}`
    assert.ok(!text.includes(key), text)
  }
})

test('a token is asked for before each attempt', async () => {
  let asked = 0
  const sent: (string | null)[] = []
  const spoke = createSpoke({
    baseUrl: service.url,
    token: async () => (++asked === 1 ? 'expired' : key),
    retry: { baseMs: 1 },
    fetch: async (request) => {
      sent.push(request.headers.get('authorization'))
      return sent.length === 1 ? new Response('', { status: 503 }) : await fetch(request)
    },
  })
  assert.ok((await spoke.tenants.list()).tenants.length > 0)
  assert.deepEqual(sent, ['Bearer expired', `Bearer ${key}`])
})

test('an id that would make another path is refused before anything is sent', async () => {
  const { spoke, tenant: own, sent } = clientWith([])
  for (const id of ['', '.', '..', 'a/b', '%2e%2e', undefined as unknown as string]) {
    await assert.rejects(own.apiKeys.revoke(id), /key_id must be an id/)
    assert.throws(() => spoke.tenant(id), /tenant_id must be an id/)
  }
  assert.equal(sent.length, 0)
})

test('options that cannot work are refused, without their values', () => {
  for (const baseUrl of [
    '',
    'spoke',
    'ftp://spoke',
    'https://user:hidden@spoke',
    'https://spoke/?key=hidden',
  ])
    assert.throws(
      () => createSpoke({ baseUrl }),
      (error: Error) => error instanceof TypeError && !error.message.includes('hidden'),
      baseUrl,
    )
  assert.throws(() => createSpoke({ baseUrl: service.url, key, token: () => key }), /either key or token/)
})

test('what is not JSON is a Response', async () => {
  const metrics = await createSpoke({ baseUrl: service.url, key }).health.metrics()
  assert.match(await metrics.text(), /^# HELP/)
  const lines = (await (await tenant.export()).text()).trimEnd().split('\n')
  assert.equal(JSON.parse(lines.at(-1) as string).complete, true)
})

test('an integration is read, tested, synced and disconnected', async () => {
  assert.equal((await tenant.integrations.status(integrationId)).connected, true)
  assert.equal((await tenant.tickets.list(integrationId, { limit: 2 })).tickets.length, 2)
  const { sync_event_id: run } = await tenant.sync.start(integrationId)
  const states: string[] = []
  for await (const { state } of tenant.sync.follow(integrationId, run)) states.push(state)
  assert.equal(states.at(-1), 'succeeded')
  const history = []
  for await (const event of tenant.sync.all(integrationId, { limit: 1 })) history.push(event.trigger)
  assert.equal(history.length, 2)
  const ended = await tenant.integrations.disconnect(integrationId, { purge: 'true' })
  assert.deepEqual([ended.status, ended.purged], ['disconnected', true])
  assert.equal((await tenant.integrations.list()).total_count, 0)
})
