/** Erasure over HTTP: every route returns 404, tokens are revoked at HubSpot, and requests in flight leave no row behind. */
import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { after, before, beforeEach, test } from 'node:test'
import { openDatabase } from '../../src/db/open-database.ts'
import { everyRow, runSql } from '../http/database.ts'
import { connectTenant, idle, newAccount } from '../http/http-fixture.ts'
import { checkShape } from '../http/oracle.ts'
import { send } from '../http/send.ts'
import { type Disconnects, startDisconnects } from '../integrations/disconnect-fixture.ts'
import { callback } from '../integrations/oauth/oauth-fixture.ts'
import { quiet } from '../support/engines.ts'
import { eraseNow, tablesWith } from '../support/erasure.ts'
import { long } from '../support/long.ts'
import { eventually } from '../support/service.ts'

let bench: Disconnects
before(async () => {
  bench = await startDisconnects()
})
after(() => bench.stop())
beforeEach(() => bench.emulator.world.faults.clear())

const erase = (tenant: string) =>
  send(bench.service.url, { method: 'DELETE', path: `/api/tenants/${tenant}` })
const isGone = (tenant: string) =>
  eventually(
    async () =>
      (await runSql(bench.database, `select from tenants where tenant_id = '${tenant}'`)).length === 0,
    `${tenant} is erased`,
    60_000,
  )
test('from the response on every route is 404 for it, a connect is refused, and the token is revoked at HubSpot', async () => {
  const { tenant, integration, portal } = await bench.byOAuth()
  const answer = await erase(tenant)
  assert.deepEqual([answer.status, answer.json.status], [202, 'erasing'])
  for (const path of [
    `/api/hubspot/integrations/${tenant}`,
    `/api/hubspot/integrations/${tenant}/${integration}`,
    `/api/hubspot/status/${tenant}/${integration}`,
    `/api/hubspot/tickets/${tenant}/${integration}`,
    `/api/hubspot/issues/${tenant}`,
    `/api/hubspot/sync/${tenant}/${integration}`,
    `/api/hubspot/problems/${tenant}/${integration}`,
  ])
    checkShape(await send(bench.service.url, { path }), {
      what: path,
      status: 404,
      code: 'integration_not_found',
    })
  for (const path of [`/api/tenants/${tenant}`, `/api/tenants/${tenant}/export`])
    checkShape(await send(bench.service.url, { path }), { what: path, status: 404, code: 'tenant_not_found' })
  const { token } = newAccount(bench.emulator)
  const connect = await bench.service.post(`/api/hubspot/integrations/${tenant}`, { access_token: token })
  assert.deepEqual([connect.status, connect.body.code], [409, 'tenant_erasing'])
  assert.ok(connect.headers.get('retry-after'))
  for (const made of [
    await bench.service.get(`/api/hubspot/authorize/${tenant}`),
    await bench.service.post('/api/tenants', { tenant_id: tenant }),
  ])
    assert.deepEqual([made.status, made.body.code], [409, 'tenant_erasing'])
  assert.equal((await erase(tenant)).status, 202, 'requested again')
  await isGone(tenant)
  assert.equal(bench.living(portal), 0, 'the refresh token is revoked')
  assert.ok(!(await everyRow(bench.database)).includes(tenant))
  checkShape(await erase(tenant), { what: 'erased', status: 404, code: 'tenant_not_found' })
  await connectTenant(bench.service, token, tenant)
})

test('an unauthenticated caller cannot distinguish a tenant that is being erased from one that never existed', async () => {
  const { tenant } = await bench.byToken()
  assert.equal((await erase(tenant)).status, 202)
  const ask = async (
    of: string,
    sent: { method?: string; path: string; headers?: Record<string, string> },
  ) => {
    const body = sent.method === 'POST' ? { body: 'decision=connect' } : {}
    const { status, text, json } = await send(bench.service.url, { ...sent, ...body })
    return [status, json?.code, text.replaceAll(of, '').replaceAll(json?.request_id ?? ' ', '')]
  }
  const id = randomUUID()
  const own = { 'sec-fetch-site': 'same-origin', 'content-type': 'application/x-www-form-urlencoded' }
  const answers = async (of: string) => {
    const cookie = `spoke_connect=${of}.${'A'.repeat(43)}`
    return [
      await ask(of, { path: `${callback}?code=x&state=${of}:${id}:${'A'.repeat(43)}` }),
      await ask(of, { path: `${callback}?code=x&state=${of}:${id}` }),
      await ask(of, { path: `/connect/${id}`, headers: { cookie } }),
      await ask(of, { method: 'POST', path: `/connect/${id}`, headers: { cookie, ...own } }),
    ]
  }
  const erasing = await answers(tenant)
  for (const [status, code] of erasing) assert.deepEqual([status, code], [400, 'invalid_state'])
  assert.deepEqual(erasing, await answers(randomUUID()))
})

test('HubSpot that refuses, fails or hangs delays no erasure; an account of two tenants keeps its token', async () => {
  const [refused, hanging, one] = [await bench.byOAuth(), await bench.byOAuth(), await bench.byOAuth()]
  const two = await bench.byOAuth(one.portal)
  const revoke = { path: '/token/revoke' }
  bench.emulator.world.faults.add({ kind: 'status', status: 400, match: revoke, times: 1 })
  bench.emulator.world.faults.add({ kind: 'hang', match: revoke, times: 4 })
  for (const { tenant } of [refused, hanging, one]) assert.equal((await erase(tenant)).status, 202)
  for (const { tenant } of [refused, hanging, one]) await isGone(tenant)
  const everything = await everyRow(bench.database)
  for (const { tenant } of [refused, hanging, one]) assert.ok(!everything.includes(tenant))
  assert.equal(bench.living(one.portal), 2, 'the erased one is not revoked at HubSpot')
  bench.emulator.world.faults.clear()
  const tickets = await bench.service.get(`/api/hubspot/tickets/${two.tenant}/${two.integration}`)
  assert.equal(tickets.status, 200)
  assert.equal((await bench.service.get(`/api/hubspot/issues/${two.tenant}`)).body.issues.length, 2)
})

test('a grant that waits for its confirmation is revoked as well, unless another tenant is connected to its account', async () => {
  const [own, host] = [await bench.byOAuth(), await bench.byOAuth()]
  const [portal, alone, guest] = [bench.portal(), randomUUID(), randomUUID()]
  const wait = async (on: number, tenant: string) =>
    await bench.browser.comeBack(`${callback}${(await bench.start(on, tenant)).search}`)
  const page = await wait(portal, alone)
  await wait(portal, alone)
  // For the account that the tenant has connected already: neither grant protects the other.
  await wait(own.portal, own.tenant)
  await wait(host.portal, guest)
  const leave = [alone, own.tenant, guest]
  for (const tenant of leave) assert.equal((await erase(tenant)).status, 202)
  assert.ok((await bench.browser.press(page)).status >= 400, 'the confirmation is refused')
  for (const one of leave) await isGone(one)
  const everything = await everyRow(bench.database)
  for (const tenant of leave) assert.ok(!everything.includes(tenant))
  assert.deepEqual([bench.living(portal), bench.living(own.portal), bench.living(host.portal)], [0, 0, 2])
})

test('erased at random moments of syncs, refreshes, connects and repeated requests, no row is left', async (t) => {
  const some = long ? 4 : 2
  const refreshers = await Promise.all(Array.from({ length: some }, () => bench.byOAuth()))
  bench.emulator.world.faults.add({ kind: 'delay', delay_ms: 60, match: { path: '/' }, times: null })
  const tenants = await Promise.all(
    Array.from({ length: 2 * some }, async () => {
      const tenant = randomUUID()
      const { token } = newAccount(bench.emulator, { tickets: 3_000 })
      const { integration } = await connectTenant(bench.service, token, tenant)
      return { tenant, integration, token }
    }),
  )
  const oauth = await Promise.all(
    Array.from({ length: some }, () => bench.start(bench.portal(), randomUUID())),
  )
  let asked = 0
  /** Sends requests until the erasure is requested; those in flight then run to their end. */
  async function busy(until: { over: boolean }, ask: () => Promise<unknown>): Promise<void> {
    while (!until.over) {
      asked += 1
      await ask()
    }
  }
  const json = (headers: Record<string, string> = {}) => ({ 'content-type': 'application/json', ...headers })
  await Promise.all([
    ...tenants.map(async ({ tenant, integration, token }) => {
      const until = { over: false }
      const post = (path: string, body: object, headers = {}) =>
        send(bench.service.url, { method: 'POST', path, headers: json(headers), body: JSON.stringify(body) })
      const connect = () => post(`/api/hubspot/integrations/${tenant}`, { access_token: token })
      const users = [
        busy(until, connect),
        busy(until, () =>
          post(
            `/api/hubspot/integrations/${tenant}`,
            { access_token: token },
            { 'idempotency-key': randomUUID() },
          ),
        ),
        busy(until, () =>
          post(`/api/hubspot/sync/${tenant}/${integration}`, {}, { 'idempotency-key': randomUUID() }),
        ),
        busy(until, () => bench.service.get(`/api/hubspot/status/${tenant}/${integration}`)),
      ]
      await new Promise((resolve) => setTimeout(resolve, 300 + 2_500 * Math.random()))
      until.over = true
      assert.equal((await erase(tenant)).status, 202)
      await Promise.all(users)
    }),
    ...refreshers.map(async ({ tenant, integration }) => {
      const until = { over: false }
      const user = busy(until, async () => {
        await runSql(
          bench.database,
          `update integration_tokens set refresh_at = now() where tenant_id = '${tenant}'`,
        )
        await bench.service.get(`/api/hubspot/status/${tenant}/${integration}`)
      })
      await new Promise((resolve) => setTimeout(resolve, 300 + 1_500 * Math.random()))
      until.over = true
      assert.equal((await erase(tenant)).status, 202)
      await user
    }),
    ...oauth.map(async ({ tenant, code, state }) => {
      const connecting = bench.post(code, state)
      await new Promise((resolve) => setTimeout(resolve, 400 * Math.random()))
      assert.equal((await erase(tenant)).status, 202)
      await connecting
    }),
  ])
  const began = performance.now()
  const all = [...tenants, ...refreshers, ...oauth].map(({ tenant }) => tenant)
  for (const tenant of all) await isGone(tenant)
  const took = performance.now() - began
  await idle(bench.service, bench.database)
  const everything = await everyRow(bench.database)
  assert.deepEqual(
    all.filter((tenant) => everything.includes(tenant)),
    [],
  )
  const [left] = await runSql(
    bench.database,
    `select count(*)::int as n from issue_last_seen s where not exists (select from tenants t where t.tenant_id = s.tenant_id)`,
  )
  assert.equal(left?.n, 0)
  t.diagnostic(
    `${all.length} tenants, ${asked} requests; all erased ${Math.round(took)} ms after the last was requested`,
  )
})

test('a connect that is in flight from before the mark until the tenant is erased does not recreate it', async () => {
  const db = await openDatabase({ url: bench.database, dataDir: '', poolSize: 2 }, quiet)
  const ours = (id: string) => tablesWith(db, id)
  const { tenant, token } = await bench.byToken()
  const portals = [bench.portal(), bench.portal()] as const
  const program = await bench.start(portals[0], (await bench.byToken()).tenant)
  const person = await bench.start(portals[1], (await bench.byToken()).tenant)
  const all = [tenant, program.tenant, person.tenant]
  bench.emulator.world.faults.add({ kind: 'delay', delay_ms: 1_500, match: { path: '/' }, times: null })
  const connects = [
    bench.service.post(`/api/hubspot/integrations/${tenant}`, { access_token: token }),
    bench.service.post(
      `/api/hubspot/integrations/${tenant}`,
      { access_token: token },
      { 'idempotency-key': 'one' },
    ),
  ]
  const callbacks = [bench.post(program.code, program.state), bench.browse(person.search)]
  // Of the two under one key, one is refused or waits for the other.
  await eventually(async () => bench.emulator.world.log.stats().in_flight >= 4, 'HubSpot is called by all')
  for (const one of all) assert.equal((await erase(one)).status, 202)
  await eraseNow(db)
  for (const one of all) assert.deepEqual(await ours(one), [])
  for (const answer of await Promise.all(connects))
    assert.ok(answer.status >= 400, JSON.stringify(answer.body))
  for (const answer of await Promise.all(callbacks)) assert.ok(answer.status >= 400, answer.text)
  for (const one of all) assert.deepEqual(await ours(one), [])
  // HubSpot granted it after all others were revoked.
  for (const portal of portals) assert.equal(bench.living(portal), 0, 'the grant is revoked')
  await db.close()
})

test('the export returns lines, HEAD is 405, and an unknown tenant is 404', async () => {
  const { tenant } = await bench.byToken()
  const answer = await send(bench.service.url, { path: `/api/tenants/${tenant}/export` })
  assert.equal(answer.status, 200)
  const lines = answer.text.trim().split('\n')
  assert.equal(JSON.parse(lines.at(-1) as string).complete, true)
  // To a caller that would reuse its connection: the response closes it.
  const response = await fetch(`${bench.service.url}/api/tenants/${tenant}/export`)
  assert.equal(response.headers.get('connection'), 'close')
  await response.text()
  const head = await send(bench.service.url, { method: 'HEAD', path: `/api/tenants/${tenant}/export` })
  assert.equal(head.status, 405)
  const none = await send(bench.service.url, { path: `/api/tenants/${randomUUID()}/export` })
  checkShape(none, { what: 'none', status: 404, code: 'tenant_not_found' })
})
