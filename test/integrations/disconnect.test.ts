/** Disconnecting: the token is revoked at HubSpot unless another integration uses the account, tokens are deleted, the data stays. */
import assert from 'node:assert/strict'
import { after, before, beforeEach, test } from 'node:test'
import type { NewFault } from '../../packages/emulator/src/http/faults.ts'
import { connectTenant, idle } from '../http/http-fixture.ts'
import { type Disconnects, startDisconnects } from './disconnect-fixture.ts'

let bench: Disconnects
before(async () => {
  bench = await startDisconnects()
})
after(() => bench.stop())
beforeEach(() => bench.emulator.world.faults.clear())

test('an OAuth connection is ended at HubSpot too, tokens are forgotten, and the data can still be read', async () => {
  const ids = await bench.byOAuth()
  const before = bench.revokes()
  const { status, json } = await bench.drop(ids)
  assert.equal(status, 200)
  assert.deepEqual(
    [json.success, json.tenant_id, json.integration_id, json.status, json.purged, json.revoked],
    [true, ids.tenant, ids.integration, 'disconnected', false, true],
  )
  assert.equal(bench.revokes(), before + 1)
  assert.equal(bench.living(ids.portal), 0)
  await bench.isDisconnected(ids)
})

test('a pasted token belongs to the tenant: it is deleted here and stays valid at HubSpot', async () => {
  const ids = await bench.byToken()
  const before = bench.revokes()
  const { status, json } = await bench.drop(ids)
  assert.deepEqual([status, json.revoked], [200, false])
  assert.equal(bench.revokes(), before)
  await bench.isDisconnected(ids)
})

test('while another tenant’s integration uses the account, nothing is revoked at HubSpot, and it still works', async () => {
  const portal = bench.portal()
  bench.emulator.world.changeQuirks({ shared_refresh_token: true })
  const [first, second] = [await bench.byOAuth(portal), await bench.byOAuth(portal)]
  const before = bench.revokes()
  assert.equal((await bench.drop(first)).json.revoked, false)
  assert.equal(bench.revokes(), before)
  bench.emulator.world.tokens.expire({ portal_id: portal })
  bench.emulator.world.clock.advance(31 * 60_000)
  const tickets = await bench.service.get(`/api/hubspot/tickets/${second.tenant}/${second.integration}`)
  assert.equal(tickets.status, 200, 'the other tenant has lost its connection')
  assert.equal((await bench.drop(second)).json.revoked, true)
  assert.equal(bench.living(portal), 0)
  bench.emulator.world.changeQuirks({ shared_refresh_token: false })
})

test('two that disconnect from one account at the same moment leave no token alive', async () => {
  const portal = bench.portal()
  const [first, second] = [await bench.byOAuth(portal), await bench.byOAuth(portal)]
  const answers = await Promise.all([bench.drop(first), bench.drop(second)])
  assert.deepEqual(
    answers.map(({ status }) => status),
    [200, 200],
  )
  assert.ok(
    answers.some(({ json }) => json.revoked),
    'nothing was revoked at HubSpot',
  )
})

const faults: [what: string, fault: NewFault][] = [
  ['is down', { kind: 'status', status: 503 }],
  ['resets', { kind: 'reset' }],
  ['hangs', { kind: 'hang' }],
  [
    'refuses our secret',
    { kind: 'status', status: 400, body: { error: 'invalid_client', status: 'BAD_CLIENT_SECRET' } },
  ],
]

for (const [what, fault] of faults) {
  test(`while HubSpot ${what} a DELETE still disconnects, within its deadline`, async () => {
    const ids = await bench.byOAuth()
    bench.emulator.world.faults.add({ ...fault, times: null })
    const began = performance.now()
    const { status, json } = await bench.drop(ids)
    assert.deepEqual([status, json.status, json.revoked], [200, 'disconnected', false])
    assert.ok(performance.now() - began < 4_000)
    bench.emulator.world.faults.clear()
    await bench.isDisconnected(ids)
  })
}

test('a disconnect is answered the same twice, and data can be purged afterwards', async () => {
  const ids = await bench.byToken()
  assert.equal((await bench.drop(ids)).status, 200)
  assert.equal((await bench.drop(ids)).status, 200)
  assert.equal((await bench.drop(ids, '?purge=true')).status, 200)
  assert.equal((await bench.service.get(bench.pathOf(ids))).status, 404)
})

test('reconnecting after a disconnect preserves the id and the data, by token and by OAuth', async () => {
  const ids = await bench.byToken()
  const issues = async () =>
    (await bench.service.get(`/api/hubspot/issues/${ids.tenant}`)).body.issues
      .map((one: { issue_id: string }) => one.issue_id)
      .sort()
  const before = await issues()
  await bench.drop(ids)
  const again = await connectTenant(bench.service, ids.token, ids.tenant)
  assert.equal(again.integration, ids.integration)
  await idle(bench.service, bench.database)
  assert.deepEqual(await issues(), before)
  await bench.drop(ids)
  const { code, state } = await bench.start(ids.portal, ids.tenant, `?integration_id=${ids.integration}`)
  const { status, json } = await bench.post(code, state)
  assert.deepEqual([status, json.integration_id, json.status], [200, ids.integration, 'active'])
  await idle(bench.service, bench.database)
  assert.deepEqual(await issues(), before)
  assert.equal((await bench.service.get(`/api/hubspot/tickets/${ids.tenant}/${ids.integration}`)).status, 200)
})
