/** The schedule: spread over the period, one run per slot however many processes poll, and resumed after a stop. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { newId } from '../../src/lib/ids.ts'
import { scheduleOffset } from '../../src/sync/stream.ts'
import { startTestEmulator } from '../support/emulator.ts'
import { adminQuery, newPostgresDatabase } from '../support/postgres.ts'
import { eventually, startTestService } from '../support/service.ts'

const T = '11111111-1111-4111-8111-111111111111'

test('slots of many integrations spread evenly over the period, and each has a fixed one', () => {
  const period = 300_000
  const offsets = Array.from({ length: 2_000 }, () => scheduleOffset(newId(), period))
  const perTenth = Array.from(
    { length: 10 },
    (_, tenth) => offsets.filter((offset) => Math.floor((offset * 10) / period) === tenth).length,
  )
  assert.ok(
    perTenth.every((count) => count > 120 && count < 280),
    perTenth.join(),
  )
  const id = newId()
  assert.equal(scheduleOffset(id, period), scheduleOffset(id, period))
})

test('with three processes each slot makes one incremental run, and changes arrive by it', async () => {
  const emulator = await startTestEmulator({ quirks: { index_lag_ms: 0, index_lag_jitter_ms: 0 } })
  await emulator.control('POST', '/portals', { portal_id: 9, tickets: 120 })
  const { token } = await emulator.control('POST', '/portals/9/tokens', { kind: 'private_app' })
  const databaseUrl = await newPostgresDatabase()
  const env = { DATABASE_URL: databaseUrl, SPOKE_SYNC_EVERY: '6s', SPOKE_SYNC_OVERLAP: '2s' }
  const services = await Promise.all([1, 2, 3].map(() => startTestService(emulator.url, env)))
  const [service] = services as [(typeof services)[0]]
  try {
    const { body } = await service.post(`/api/hubspot/integrations/${T}`, { access_token: token })
    const id = body.integration_id
    const scheduled = async () =>
      (await service.get(`/api/hubspot/sync/${T}/${id}`)).body.events.filter(
        (event: { trigger: string }) => event.trigger === 'schedule',
      )
    await eventually(
      async () => (await scheduled()).some((event: { state: string }) => event.state === 'succeeded'),
      'a first slot',
      20_000,
    )
    const { id: made } =
      (await emulator.control('POST', '/portals/9/tickets', { properties: { subject: 'By schedule' } }))
        .results?.[0] ?? {}
    await eventually(
      async () => {
        const { body: issues } = await service.get(`/api/hubspot/issues/${T}?limit=200`)
        return issues.issues.some((issue: { subject: string }) => issue.subject === 'By schedule')
      },
      `ticket ${made} arrives`,
      20_000,
    )
    const slots = (await scheduled())
      .map((event: { requested_at: string }) => Date.parse(event.requested_at))
      .sort((a: number, b: number) => a - b)
    const gaps = slots.slice(1).map((at: number, n: number) => at - (slots[n] as number))
    assert.ok(
      gaps.every((gap: number) => gap > 1_500),
      `gaps between slots: ${gaps}`,
    )
    const [stream] = await adminQuery(
      `select next_run_at > now() as ahead from sync_streams where sync_type = 'incremental'`,
      databaseUrl,
    )
    assert.equal(stream?.ahead, true)
  } finally {
    for (const one of services) await one.stop()
    await emulator.close()
  }
})
