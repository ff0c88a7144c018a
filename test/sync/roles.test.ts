/** API and worker as separate processes: one requests, the other runs, and a worker serves only probes. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { startTestEmulator } from '../support/emulator.ts'
import { newPostgresDatabase } from '../support/postgres.ts'
import { eventually, runEnded, startTestService } from '../support/service.ts'

const T = '11111111-1111-4111-8111-111111111111'

test('the worker runs what the API requests, at once if it is up and later if it was not', async () => {
  const emulator = await startTestEmulator()
  await emulator.control('POST', '/portals', { portal_id: 12, tickets: 230 })
  const { token } = await emulator.control('POST', '/portals/12/tokens', { kind: 'private_app' })
  const databaseUrl = await newPostgresDatabase()
  const api = await startTestService(emulator.url, { DATABASE_URL: databaseUrl, SPOKE_ROLE: 'api' })
  const { body } = await api.post(`/api/hubspot/integrations/${T}`, { access_token: token })
  const id = body.integration_id
  const [queued] = (await api.get(`/api/hubspot/sync/${T}/${id}`)).body.events
  await new Promise((resolve) => setTimeout(resolve, 1_000))
  assert.equal((await api.get(`/api/hubspot/sync/${T}/${id}/${queued.sync_event_id}`)).body.state, 'queued')

  const worker = await startTestService(emulator.url, { DATABASE_URL: databaseUrl, SPOKE_ROLE: 'worker' })
  try {
    assert.equal((await runEnded(api, T, id, queued.sync_event_id)).inserted, 230)
    // A busy machine may start a run late, but not three times in a row.
    const waits: number[] = []
    do {
      const { body: started } = await api.post(`/api/hubspot/sync/${T}/${id}`, { sync_type: 'full' })
      const event = await runEnded(api, T, id, started.sync_event_id)
      waits.push(Date.parse(event.started_at) - Date.parse(event.requested_at))
    } while (Math.min(...waits) >= 1_000 && waits.length < 3)
    assert.ok(Math.min(...waits) < 1_000, `a worker of another process starts within a second: ${waits} ms`)
    assert.deepEqual([(await worker.get('/livez')).status, (await worker.get('/readyz')).status], [200, 200])
    assert.equal((await worker.get(`/api/hubspot/integrations/${T}`)).status, 404)
    // A run is counted after the commit that ends it.
    const counted = `spoke_sync_runs_total{sync_type="full",state="succeeded"} ${1 + waits.length}\n`
    await eventually(
      async () => (await worker.get('/metrics')).body.includes(counted),
      'both kinds of run are counted',
    )
  } finally {
    await worker.stop()
    await api.stop()
    await emulator.close()
  }
})
