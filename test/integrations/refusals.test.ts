/** What HubSpot's refusals mean, in calls, runs and at the token endpoint: a connection ends, and a cause is named, only if HubSpot's response proves it. */
import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { after, before, beforeEach, test } from 'node:test'
import type { NewFault } from '../../packages/emulator/src/http/faults.ts'
import { DEFAULT_QUIRKS } from '../../packages/emulator/src/quirks.ts'
import { connectTenant, idle, newAccount } from '../http/http-fixture.ts'
import { adminQuery } from '../support/postgres.ts'
import { runEnded, startTestService } from '../support/service.ts'
import { type OAuthBench, startOAuth } from './oauth/oauth-fixture.ts'

let bench: OAuthBench
before(async () => {
  bench = await startOAuth()
})
after(() => bench.stop())
beforeEach(() => {
  bench.emulator.world.faults.clear()
  bench.emulator.world.changeQuirks({ ...DEFAULT_QUIRKS, index_lag_ms: 0 })
})

type Ids = { tenant: string; integration: string; portal: number }

async function byToken(portal: object = {}): Promise<Ids & { token: string }> {
  const account = newAccount(bench.emulator, portal)
  const ids = await connectTenant(bench.service, account.token)
  await idle(bench.service, bench.database)
  return { ...ids, ...account }
}

async function byOAuth(): Promise<Ids> {
  const portal = bench.portal()
  const { tenant, integration, code, state } = await bench.start(portal)
  assert.equal((await bench.post(code, state)).status, 200)
  await idle(bench.service, bench.database)
  return { tenant, integration, portal }
}

const get = (kind: string, { tenant, integration }: Ids) =>
  bench.service.get(`/api/hubspot/${kind}/${tenant}/${integration}`)
const state = async (ids: Ids) => {
  const { status, status_reason: reason } = (await get('integrations', ids)).body
  return [status, reason]
}
async function full({ tenant, integration }: Ids) {
  const path = `/api/hubspot/sync/${tenant}/${integration}`
  const { status, body } = await bench.service.post(path, {})
  assert.equal(status, 202, JSON.stringify(body))
  return await runEnded(bench.service, tenant, integration, body.sync_event_id)
}
const fault = (portal: number, path: string, more: NewFault) =>
  bench.emulator.world.faults.add({ match: { portal_id: portal, path }, ...more })
const stray = { category: 'INVALID_AUTHENTICATION', message: 'no' }

test('one stray 401 for a static token costs one check, and disconnects nothing', async () => {
  const ids = await byToken()
  for (const ask of [() => get('tickets', ids), () => get('status', ids)]) {
    fault(ids.portal, '/crm/objects', { kind: 'status', status: 401, body: stray })
    const { status, body } = await ask()
    assert.deepEqual([status, body.connected ?? true], [200, true], JSON.stringify(body))
  }
  bench.emulator.world.faults.add({
    match: { portal_id: ids.portal, path: '/crm/objects', query: 'properties=' },
    kind: 'status',
    status: 401,
    body: stray,
  })
  assert.equal((await full(ids)).state, 'succeeded')
  assert.deepEqual(await state(ids), ['active', null])
})

test('a static token that HubSpot knows but refuses is an outage; so is one that cannot be checked', async () => {
  const ids = await byToken()
  fault(ids.portal, '/crm/', { kind: 'status', status: 401, body: stray, times: null })
  for (const unreachable of [false, true]) {
    if (unreachable) fault(ids.portal, 'access-token-info', { kind: 'status', status: 503, times: null })
    const tickets = await get('tickets', ids)
    assert.deepEqual([tickets.status, tickets.body.code], [502, 'hubspot_unavailable'])
    const { body } = await get('status', ids)
    assert.deepEqual([body.connected, body.code, body.status], [false, 'hubspot_unavailable', 'active'])
  }
})

for (const unknown of [401, 404] as const)
  test(`a static token that HubSpot no longer knows (token info ${unknown}) must be connected again`, async () => {
    const ids = await byToken()
    bench.emulator.world.changeQuirks({ token_info_unknown: unknown })
    bench.emulator.world.tokens.revoke({ token: ids.token })
    assert.deepEqual(
      [(await get('tickets', ids)).status, await state(ids)],
      [409, ['reauth_required', 'token_refused']],
    )
  })

for (const form of ['required', 'granular', 'both', 'unnamed'] as const)
  test(`a scope taken away, reported as ${form}: the row and the error name what HubSpot named`, async () => {
    bench.emulator.world.changeQuirks({ missing_scopes: form })
    const ids = await byToken()
    await bench.emulator.control('POST', `/portals/${ids.portal}/scopes`, { remove: ['tickets'] })
    const { status, body } = await get('tickets', ids)
    assert.deepEqual([status, body.code], [422, 'missing_scopes'])
    const again = await get('status', ids)
    assert.deepEqual(
      [again.body.connected, again.body.error, again.body.code],
      [false, body.error, body.code],
    )
    assert.equal(body.error.includes('tickets'), form !== 'unnamed', body.error)
    assert.deepEqual(await state(ids), [
      'reauth_required',
      form === 'unnamed' ? 'missing_scopes' : 'missing_scopes:tickets',
    ])
  })

test('a 403 that is not about scopes has its own message, and ends no run', async () => {
  const ids = await byToken()
  fault(ids.portal, '/crm/objects', { kind: 'forbidden', category: 'TRUST_VIOLATION' })
  const tickets = await get('tickets', ids)
  assert.deepEqual([tickets.status, tickets.body.code], [409, 'hubspot_forbidden'])
  assert.match(tickets.body.error, /TRUST_VIOLATION/)
  fault(ids.portal, '/crm/objects', { kind: 'forbidden' })
  const { body } = await get('status', ids)
  assert.deepEqual([body.connected, body.code, body.status], [false, 'hubspot_forbidden', 'active'])
  for (const refusal of [{ kind: 'forbidden' }, { kind: 'html', status: 403 }] as const) {
    const match = { portal_id: ids.portal, path: '/crm/objects', query: 'properties=' }
    bench.emulator.world.faults.add({ ...refusal, match })
    assert.equal((await full(ids)).state, 'succeeded', refusal.kind)
  }
  const { portal, token } = newAccount(bench.emulator)
  fault(portal, '/account-info', { kind: 'forbidden', category: 'BANNED', times: null })
  fault(portal, '/crm/objects', { kind: 'forbidden', category: 'BANNED', times: null })
  fault(portal, 'access-token-info', { kind: 'forbidden', category: 'BANNED', times: null })
  const refusal = await bench.service.post(`/api/hubspot/integrations/${randomUUID()}`, {
    access_token: token,
  })
  assert.deepEqual([refusal.status, refusal.body.code], [422, 'hubspot_forbidden'])
})

test('error pages, notices and limits of the token endpoint do not count as a wrong secret', async () => {
  const ids = await byOAuth()
  const answers: NewFault[] = [
    { kind: 'html', status: 403 },
    { kind: 'html', status: 404 },
    { kind: 'status', status: 401, body: { message: 'no' } },
    { kind: 'status', status: 400, body: { category: 'MIGRATION_IN_PROGRESS' } },
  ]
  const from = bench.service.lines.length
  for (const answer of answers) {
    await bench.emulator.control('POST', '/tokens/expire', { portal_id: ids.portal })
    const planted = bench.emulator.world.faults.add({ match: { path: '/token', method: 'POST' }, ...answer })
    const { status, body } = await get('tickets', ids)
    assert.deepEqual(
      [status, body.code, planted.hits],
      [502, 'hubspot_unavailable', 1],
      JSON.stringify(answer),
    )
    assert.equal((await get('tickets', ids)).status, 200)
  }
  const lines = bench.service.lines.slice(from)
  assert.ok(!lines.some((line) => line.includes('HUBSPOT_CLIENT_SECRET')), 'the secret is not blamed')
  assert.deepEqual(await state(ids), ['active', null])
})

test('a refresh token that HubSpot issued to another app is final for its tenant, and is logged', async () => {
  const ids = await byOAuth()
  await bench.emulator.control('POST', '/tokens/expire', { portal_id: ids.portal })
  const { app } = [...bench.emulator.world.tokens.refresh.values()].find(
    ({ grant }) => grant.portal_id === ids.portal,
  )?.grant as { app: object }
  const grants = [...bench.emulator.world.tokens.refresh.values()].filter(
    ({ grant }) => grant.portal_id === ids.portal,
  )
  for (const { grant } of grants) grant.app = { ...app } as typeof grant.app
  const { status, body } = await get('tickets', ids)
  assert.deepEqual([status, body.code], [409, 'token_invalid'])
  assert.deepEqual(await state(ids), ['reauth_required', 'refresh_token_of_another_app'])
  assert.ok(
    bench.service.lines.some(
      (line) => line.includes('"level":"error"') && line.includes('HUBSPOT_CLIENT_ID'),
    ),
  )
})

test('a pasted token may end with a line break; one without a data center is 422', async () => {
  const { token } = newAccount(bench.emulator)
  for (const end of ['\n', '\r\n']) {
    const { status } = await bench.service.post(`/api/hubspot/integrations/${randomUUID()}`, {
      access_token: token + end,
    })
    assert.equal(status, 201)
  }
  for (const unknown_hublet of [530, 401] as const) {
    bench.emulator.world.changeQuirks({ unknown_hublet })
    const { status, body } = await bench.service.post(`/api/hubspot/integrations/${randomUUID()}`, {
      access_token: 'pat-nowhere-00000000',
    })
    assert.deepEqual([status, body.code], [422, 'token_invalid'], `${unknown_hublet}`)
  }
})

for (const form of ['granular', 'required', 'property', 'unnamed'] as const)
  test(`a property that becomes sensitive, refused as ${form}: it is left out, the resource reports it, and all else continues`, async () => {
    bench.emulator.world.changeQuirks({ sensitive_refusal: form })
    const ids = await byToken({ custom_properties: 12, tickets: 130 })
    await bench.emulator.control('PATCH', `/portals/${ids.portal}/properties/region`, {
      sensitivity: 'sensitive',
    })
    const from = bench.emulator.world.log.list().at(-1)?.seq ?? 0
    const event = await full(ids)
    assert.deepEqual([event.state, event.done], ['succeeded', 130])
    const calls = bench.emulator.world.log.list({ since: from, portal_id: ids.portal })
    assert.ok(calls.length < 20, `${calls.length} calls`)
    const { body } = await get('status', ids)
    const named = form === 'granular' || form === 'required' ? ':tickets.sensitive.v2' : ''
    assert.deepEqual(
      [body.connected, body.status, body.resources.properties.state, body.resources.properties.problem],
      [true, 'active', 'degraded', `missing_scopes${named}`],
    )
    assert.equal((await full(ids)).state, 'succeeded')
    const refused = bench.emulator.world.log.list({ since: from, portal_id: ids.portal })
    assert.ok(refused.filter(({ status }) => status === 403).length < 10)
    // A default property: live tickets name it too.
    const due = await propertiesDue(ids)
    await bench.emulator.control('PATCH', `/portals/${ids.portal}/properties/content`, {
      sensitivity: 'highly_sensitive',
    })
    const live = await get('tickets', ids)
    assert.deepEqual([live.status, live.body.tickets.length > 0], [200, true])
    assert.ok(!('content' in live.body.tickets[0].properties))
    const since = bench.emulator.world.log.list().at(-1)?.seq ?? 0
    await get('tickets', ids)
    const again = bench.emulator.world.log.list({ since, portal_id: ids.portal })
    assert.deepEqual(
      again.map(({ status }) => status),
      [200],
      'a property known to be refused is not requested',
    )
    assert.deepEqual(await propertiesDue(ids), due)
    assert.equal((await full(ids)).state, 'succeeded')
    assert.deepEqual(await state(ids), ['active', null])
    // Given again, it is read again after the next connect.
    for (const name of ['region', 'content'])
      await bench.emulator.control('PATCH', `/portals/${ids.portal}/properties/${name}`, {
        sensitivity: 'non_sensitive',
      })
    await connectTenant(bench.service, ids.token, ids.tenant)
    await idle(bench.service, bench.database)
    assert.equal((await full(ids)).state, 'succeeded')
    assert.equal((await get('status', ids)).body.resources.properties.state, 'ok')
    const issues = await bench.service.get(`/api/hubspot/issues/${ids.tenant}?limit=200`)
    assert.ok(issues.body.issues.some((one: { properties: object }) => 'region' in one.properties))
  })

/** When the list of properties is read next. */
const propertiesDue = async ({ integration }: Ids) =>
  await adminQuery(
    `select due_at from integration_resources where integration_id = '${integration}' and resource = 'properties'`,
    bench.database,
  )

const sensitive = (portal: number, name: string) =>
  bench.emulator.control('PATCH', `/portals/${portal}/properties/${name}`, { sensitivity: 'sensitive' })

/** The names of the properties of all stored tickets together. */
async function storedNames({ tenant }: Ids): Promise<string[]> {
  const { body } = await bench.service.get(`/api/hubspot/issues/${tenant}?limit=200`)
  const names = body.issues.flatMap((one: { properties: object }) => Object.keys(one.properties))
  return [...new Set<string>(names)].sort()
}

for (const listed of [true, false])
  test(`many properties that become sensitive, their list ${listed ? 'read' : 'out of reach'}: no other is left out`, async () => {
    bench.emulator.world.changeQuirks({ sensitive_refusal: 'unnamed' })
    const ids = await byToken({ custom_properties: 57, tickets: 40 })
    const before = await storedNames(ids)
    const { custom_properties: custom } = await bench.emulator.control('GET', `/portals/${ids.portal}`)
    const names = (custom as string[]).filter((_name, at) => at % 2 === 0)
    assert.equal(names.length, 29)
    for (const name of names) await sensitive(ids.portal, name)
    if (!listed) fault(ids.portal, '/crm/properties', { kind: 'status', status: 500, times: null })
    const { state: ended } = await full(ids)
    assert.equal(ended, listed ? 'succeeded' : 'failed')
    assert.deepEqual(await state(ids), ['active', null])
    assert.deepEqual(await storedNames(ids), listed ? before.filter((name) => !names.includes(name)) : before)
  })

test('a 403 whose list of required scopes names one that the token has gives up nothing', async () => {
  const ids = await byToken()
  const context = { requiredScopes: ['tickets', 'tickets.sensitive.v2'] }
  const body = { category: 'MISSING_SCOPES', message: 'no', errors: [{ message: 'no', context }] }
  fault(ids.portal, '/crm/objects', { kind: 'status', status: 403, body })
  assert.equal((await get('tickets', ids)).status, 422)
  assert.deepEqual(await state(ids), ['active', null])
  assert.equal((await get('tickets', ids)).status, 200)
})

test('an outage of the token endpoint with Retry-After delays only the token that got it, and no other tenant’s', async () => {
  const [one, two] = [await byOAuth(), await byOAuth()]
  for (const { portal } of [one, two])
    await bench.emulator.control('POST', '/tokens/expire', { portal_id: portal })
  const match = { path: '/token', method: 'POST' }
  bench.emulator.world.faults.add({ match, kind: 'status', status: 503, retry_after: 60 })
  const [first, second] = [await get('tickets', one), await get('tickets', two)]
  assert.deepEqual([first.status, second.status], [502, 200], JSON.stringify(second.body))
})

test('a rate limit of the token endpoint makes every process wait, with the tokens of every tenant', async () => {
  const [one, two] = [await byOAuth(), await byOAuth()]
  const second = await startTestService(bench.emulator.url, {
    DATABASE_URL: bench.database,
  })
  try {
    for (const { portal } of [one, two])
      await bench.emulator.control('POST', '/tokens/expire', { portal_id: portal })
    const from = bench.emulator.world.log.list().at(-1)?.seq ?? 0
    bench.emulator.world.faults.add({
      match: { path: '/token', method: 'POST' },
      kind: 'rate_limit',
      policy: 'secondly',
      retry_after: 3,
    })
    const limited = await get('tickets', one)
    assert.deepEqual([limited.status, limited.body.code], [503, 'hubspot_limit'])
    const answers = await Promise.all([
      second.get(`/api/hubspot/tickets/${two.tenant}/${two.integration}`),
      get('tickets', one),
    ])
    assert.deepEqual(
      answers.map(({ status }) => status),
      [200, 200],
    )
    const [refused, ...others] = bench.emulator.world.log
      .list({ since: from })
      .filter(({ path }) => /^\/oauth\/[^/]+\/token$/.test(path))
    assert.equal(others.length, 2)
    for (const { time } of others)
      assert.ok(time - (refused?.time ?? 0) >= 2_900, `${time - (refused?.time ?? 0)} ms`)
  } finally {
    await second.stop()
  }
})
