/** After an outage: one waiting run probes early, and a success releases all others at once. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { startTestEmulator } from '../support/emulator.ts'
import { adminQuery, newPostgresDatabase } from '../support/postgres.ts'
import { eventually, startTestService } from '../support/service.ts'
import { type Connected, connect, T } from './capture-fixture.ts'

test('runs and inboxes that wait for HubSpot resume within seconds of its return, whatever their backoff', async (t) => {
  const emulator = await startTestEmulator({ quirks: { index_lag_ms: 0, index_lag_jitter_ms: 0 } })
  const database = await newPostgresDatabase()
  const service = await startTestService(emulator.url, { DATABASE_URL: database })
  t.after(async () => {
    await service.stop()
    await emulator.close()
  })
  const runSql = <Row>(statement: string) => adminQuery(statement, database) as Promise<Row[]>
  const all: Connected[] = []
  for (const portal_id of [401, 402, 403])
    all.push(await connect(emulator, service, { portal_id, tickets: 10 }))
  const [first] = all as [Connected]
  // The connection check still gets a response.
  for (const path of ['/tickets/search', '/tickets/batch/read'])
    await emulator.control('POST', '/faults', { kind: 'status', status: 503, match: { path }, times: null })
  const runs = await Promise.all(all.map((one) => one.start('incremental')))
  const [ticket] = [...(await first.truth()).keys()]
  await runSql(`insert into inbox_entries (tenant_id, integration_id, due_at, ticket_ids, change, occurred_at)
    values ('${T}', '${first.id}', now(), array['${ticket}'], 'propertyChange', now())`)
  await eventually(async () => {
    const waiting = await runSql<{ sync_type: string; failures: number }>(
      'select sync_type, failures from sync_streams where awaits_hubspot union all select null, failures from inboxes where awaits_hubspot',
    )
    return waiting.length === 4
  }, 'three runs and an inbox wait')
  for (const table of ['sync_streams', 'inboxes'])
    await runSql(`update ${table} set not_before = now() + interval '1 hour' where awaits_hubspot`)
  // Attempts before their time are few, and no run is given up because of them.
  const before = await runSql<{ failures: number }>('select sum(failures)::int as failures from sync_streams')
  await eventually(async () => {
    const rows = await runSql('select from sync_streams where is_probe')
    return rows.length > 0
  }, 'one of them tries')
  await eventually(async () => {
    const rows = await runSql('select from sync_streams where lease_until is not null')
    return rows.length === 0
  }, 'and waits again')
  assert.deepEqual(
    await runSql('select sum(failures)::int as failures from sync_streams'),
    before,
    'it does not count',
  )
  for (const table of ['sync_streams', 'inboxes'])
    await runSql(`update ${table} set not_before = now() + interval '1 hour' where awaits_hubspot`)
  await emulator.control('DELETE', '/faults')
  const began = Date.now()
  for (const [n, run] of runs.entries())
    assert.equal((await (all[n] as Connected).ended(run, 40_000)).state, 'succeeded')
  await eventually(
    async () => (await runSql('select from inbox_entries')).length === 0,
    'the inbox is drained',
    40_000,
  )
  t.diagnostic(`all resumed ${Math.round((Date.now() - began) / 1_000)} s after the return`)
})
