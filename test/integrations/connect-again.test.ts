/** One portal, one integration: a second token renews it, tenants do not share it, and a race does not double it. */
import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { after, before, test } from 'node:test'
import { tableCounts } from '../http/database.ts'
import { connectTenant, idle, newAccount, startOn } from '../http/http-fixture.ts'
import type { Watched } from '../http/oracle.ts'
import { startTestEmulator } from '../support/emulator.ts'

let bench: Watched
before(async () => {
  const emulator = await startTestEmulator({ quirks: { index_lag_ms: 0 } })
  bench = { emulator, ...(await startOn(emulator, { HUBSPOT_TIMEOUT: '5s' })) }
})
after(async () => {
  await bench.service.stop()
  await bench.emulator.close()
})

const post = (tenant: string, token: string) =>
  bench.service.post(`/api/hubspot/integrations/${tenant}`, { access_token: token })
const account = () => newAccount(bench.emulator)

test('another token for a portal that is connected renews it: 200, the same id, no second row', async () => {
  const first = account()
  const { tenant, integration } = await connectTenant(bench.service, first.token)
  await idle(bench.service, bench.database)
  const before = await tableCounts(bench.database)
  const second = bench.emulator.world.addToken(first.portal, { kind: 'service_key' })
  const { status, body } = await post(tenant, second.token)
  assert.deepEqual([status, body.integration_id], [200, integration])
  await idle(bench.service, bench.database)
  const { 'public.sync_events': runs, ...rest } = await tableCounts(bench.database)
  assert.deepEqual(rest, (({ 'public.sync_events': _, ...old }) => old)(before))
  assert.ok(Number(runs) >= Number(before['public.sync_events']))
  bench.emulator.world.tokens.revoke({ token: first.token })
  const tickets = await bench.service.get(`/api/hubspot/tickets/${tenant}/${integration}`)
  assert.equal(tickets.status, 200, 'the new token is used')
})

test('two tenants may connect one portal, each with an integration of its own', async () => {
  const { portal, token } = account()
  const one = await connectTenant(bench.service, token)
  const two = await connectTenant(bench.service, token)
  assert.notEqual(one.integration, two.integration)
  for (const { tenant, integration } of [one, two]) {
    const { body } = await bench.service.get(`/api/hubspot/integrations/${tenant}`)
    assert.deepEqual(
      body.integrations.map((each: { integration_id: string }) => each.integration_id),
      [integration],
    )
    assert.equal(body.integrations[0].hub_id, portal)
  }
})

test('one tenant may connect two portals, each with its own tickets', async () => {
  const [first, second] = [account(), account()]
  const one = await connectTenant(bench.service, first.token)
  const two = await connectTenant(bench.service, second.token, one.tenant)
  assert.notEqual(two.integration, one.integration)
  const { body } = await bench.service.get(`/api/hubspot/integrations/${one.tenant}`)
  const portals = body.integrations.map((each: { hub_id: number }) => each.hub_id)
  assert.deepEqual(new Set(portals), new Set([first.portal, second.portal]))
})

test('six connects of one portal at the same moment, by a new tenant, make one integration', async () => {
  const { token } = account()
  const tenant = randomUUID()
  const answers = await Promise.all(Array.from({ length: 6 }, () => post(tenant, token)))
  const statuses = answers.map(({ status }) => status).sort()
  assert.deepEqual(statuses, [200, 200, 200, 200, 200, 201])
  assert.equal(new Set(answers.map(({ body }) => body.integration_id)).size, 1)
  const { body } = await bench.service.get(`/api/hubspot/integrations/${tenant}`)
  assert.equal(body.total_count, 1)
})

test('one bad answer is tried again, and the token connects', async () => {
  for (const status of [502, 503]) {
    const { token } = newAccount(bench.emulator)
    bench.emulator.world.faults.add({ kind: 'status', status, times: 1 })
    const { status: given, body } = await bench.service.post(`/api/hubspot/integrations/${randomUUID()}`, {
      access_token: token,
    })
    assert.equal(given, 201, JSON.stringify(body))
  }
})
