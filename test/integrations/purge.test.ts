/** Purging: the data is deleted with the connection, nothing restores it, and no other data changes. */
import assert from 'node:assert/strict'
import { after, before, beforeEach, test } from 'node:test'
import { connectTenant, idle, newAccount } from '../http/http-fixture.ts'
import { checkShape } from '../http/oracle.ts'
import { send } from '../http/send.ts'
import { adminQuery } from '../support/postgres.ts'
import { eventually } from '../support/service.ts'
import { type Disconnects, startDisconnects } from './disconnect-fixture.ts'

let bench: Disconnects
before(async () => {
  bench = await startDisconnects()
})
after(() => bench.stop())
beforeEach(() => bench.emulator.world.faults.clear())

test('with ?purge=true the data is deleted too, and the integration is 404 afterwards', async () => {
  for (const ids of [await bench.byOAuth(), await bench.byToken()]) {
    const { status, json } = await bench.drop(ids, '?purge=true')
    assert.deepEqual([status, json.purged], [200, true])
    for (const noun of ['integrations', 'status', 'tickets', 'sync']) {
      const answer = await send(bench.service.url, {
        path: `/api/hubspot/${noun}/${ids.tenant}/${ids.integration}`,
      })
      checkShape(answer, { what: noun, status: 404, code: 'integration_not_found' })
    }
    const list = await bench.service.get(`/api/hubspot/integrations/${ids.tenant}`)
    assert.equal(list.body.total_count, 0)
    assert.deepEqual(Object.values(await bench.rowsOf(ids.tenant)), [0, 0, 0, 0, 0, 0, 0])
    checkShape(await bench.drop(ids), { what: 'again', status: 404, code: 'integration_not_found' })
  }
})

test('purging one integration of a tenant leaves its others, and other tenants, alone', async () => {
  const one = await bench.byToken()
  const other = newAccount(bench.emulator)
  const two = await connectTenant(bench.service, other.token, one.tenant)
  const stranger = await connectTenant(bench.service, one.token)
  await idle(bench.service, bench.database)
  // Accounts number their tickets themselves, so that two may use the same numbers.
  const numbered = (integration: string) =>
    `select ticket_id, row_number() over (order by ticket_id) as n from issues where integration_id = '${integration}'
      and tenant_id = '${one.tenant}'`
  await adminQuery(
    `update issues i set ticket_id = a.ticket_id
     from (${numbered(one.integration)}) a join (${numbered(two.integration)}) b using (n)
     where i.integration_id = '${two.integration}' and i.ticket_id = b.ticket_id`,
    bench.database,
  )
  await bench.drop(one, '?purge=true')
  const mine = await bench.service.get(`/api/hubspot/issues/${one.tenant}`)
  assert.equal(mine.body.issues.length, 3)
  assert.ok(
    mine.body.issues.every((issue: { integration_id: string }) => issue.integration_id === two.integration),
  )
  assert.equal((await bench.service.get(`/api/hubspot/issues/${stranger.tenant}`)).body.issues.length, 3)
  const tickets = await bench.service.get(`/api/hubspot/tickets/${stranger.tenant}/${stranger.integration}`)
  assert.equal(tickets.status, 200)
})

for (const query of ['', '?purge=true']) {
  test(`a DELETE${query} in the middle of a sync ends the run, and nothing is written afterwards`, async () => {
    const { token } = newAccount(bench.emulator, { tickets: 5_000 })
    bench.emulator.world.faults.add({
      kind: 'delay',
      delay_ms: 100,
      match: { path: '/tickets' },
      times: null,
    })
    const ids = await connectTenant(bench.service, token)
    await eventually(
      async () => Number((await bench.rowsOf(ids.tenant)).issues) > 0,
      'the first page is stored',
    )
    assert.equal((await bench.drop(ids, query)).status, 200)
    const rows = await bench.rowsOf(ids.tenant)
    assert.ok(Number(rows.issues) < 5_000)
    await idle(bench.service, bench.database)
    await new Promise((resolve) => setTimeout(resolve, 500))
    assert.equal((await bench.rowsOf(ids.tenant)).issues, rows.issues)
    if (query) assert.deepEqual(new Set(Object.values(await bench.rowsOf(ids.tenant))), new Set([0]))
    else await bench.isDisconnected(ids)
    const quiet = bench.emulator.world.log.list().length
    await new Promise((resolve) => setTimeout(resolve, 500))
    assert.equal(bench.emulator.world.log.list().length, quiet, 'HubSpot is still called')
  })
}

test('connected again in the middle of a purge: what is connected then stays, and holds everything', async () => {
  for (const late of [0, 15, 40]) {
    const { token } = newAccount(bench.emulator)
    const ids = await connectTenant(bench.service, token)
    await idle(bench.service, bench.database)
    await adminQuery(
      `insert into issues (tenant_id, integration_id, ticket_id, issue_id, modified_at, properties, observed_at)
       select '${ids.tenant}', '${ids.integration}', n::text, gen_random_uuid(), now(), '{}', now()
       from generate_series(1, 15000) n`,
      bench.database,
    )
    const dropped = bench.drop(ids, '?purge=true')
    // The purge would delete a connect that comes before the disconnect.
    await eventually(
      async () =>
        (
          await adminQuery(
            `select from tenant_integrations where integration_id = '${ids.integration}' and status = 'active'`,
            bench.database,
          )
        ).length === 0,
      'it is disconnected',
    )
    await new Promise((resolve) => setTimeout(resolve, late))
    // On a slow machine either may wait too long behind the other; what holds in the end is the same.
    const again = await connectTenant(bench.service, token, ids.tenant).catch(async () => {
      await dropped
      return await connectTenant(bench.service, token, ids.tenant)
    })
    const { status, json } = await dropped
    assert.ok(status === 200 || json.code === 'unavailable', JSON.stringify(json))
    if (json.purged === false) assert.equal(again.integration, ids.integration)
    await idle(bench.service, bench.database)
    const path = `/api/hubspot/integrations/${ids.tenant}/${again.integration}`
    assert.equal((await bench.service.get(path)).body.status, 'active', `after ${late} ms`)
    const [rows] = await adminQuery(
      `select (select count(*)::int from account_routes where tenant_id = '${ids.tenant}') as routes,
        (select count(*)::int from integration_tokens where tenant_id = '${ids.tenant}') as tokens,
        (select count(*)::int from issues i where tenant_id = '${ids.tenant}' and not exists (
          select from tenant_integrations t where t.tenant_id = i.tenant_id and t.integration_id = i.integration_id)) as orphans,
        (select count(*)::int from issues where tenant_id = '${ids.tenant}' and ticket_id > '3' and not archived
          and properties <> '{}') as issues`,
      bench.database,
    )
    assert.deepEqual(rows, { routes: 1, tokens: 1, orphans: 0, issues: 3 }, `after ${late} ms`)
  }
})

test('an authorization begun before a purge does not bring the integration back', async () => {
  const ids = await bench.byToken()
  const { code, state } = await bench.start(ids.portal, ids.tenant, `?integration_id=${ids.integration}`)
  await bench.drop(ids, '?purge=true')
  checkShape(await bench.post(code, state), { what: 'callback', status: 400, code: 'invalid_state' })
  assert.equal((await bench.service.get(bench.pathOf(ids))).status, 404)
})
