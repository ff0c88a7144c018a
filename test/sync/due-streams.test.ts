/** Which streams are due, what claiming one does, and how runs that found nothing are stored. */
import assert from 'node:assert/strict'
import { after, before, beforeEach, describe, test } from 'node:test'
import { sql } from 'kysely'
import type { Database } from '../../src/db/database.ts'
import { type TenantScope, withSystem, withTenant } from '../../src/db/scope.ts'
import { newId } from '../../src/lib/ids.ts'
import { type Ending, finishRun } from '../../src/sync/run-end-store.ts'
import { dueStreams, type TenantStream } from '../../src/sync/schedule-store.ts'
import { claimStream, type RunProgress, releaseStream, requestRun } from '../../src/sync/store.ts'
import type { StreamKey } from '../../src/sync/stream.ts'
import { engines } from '../support/engines.ts'
import { A, B, seedTenant } from '../support/rows.ts'

const by = { instance: newId(), exclusive: false, leaseMs: 25_000 }
const slots = { periodMs: 300_000, offsetMs: 0 }
const nothing: RunProgress = {
  pages: 1,
  done: 3,
  inserted: 0,
  changed: 0,
  unchanged: 3,
  archived: 0,
  failed: 0,
  repaired: 0,
  total: 3,
}
const ending = (lastStep: RunProgress, errorCode: string | null = null): Ending => ({
  state: 'succeeded',
  watermark: new Date('2026-01-01T00:00:00Z'),
  lookBackMs: 0,
  deletionsHeldBack: null,
  errorCode,
  error: errorCode,
  listWasIdle: false,
  lastStep,
})

for (const engine of engines)
  describe(`due streams on ${engine.name}`, () => {
    let db: Database
    let close: () => Promise<void>
    const keys: Record<string, StreamKey> = {}
    before(async () => {
      ;({ db, close } = await engine.open())
      for (const tenant of [A, B])
        keys[tenant] = {
          integrationId: await seedTenant(db, tenant),
          kind: 'tickets',
          syncType: 'incremental',
        }
    })
    after(() => close())
    beforeEach(async () => {
      await run('delete from sync_streams')
      await run('delete from sync_events')
      await run(`update tenant_integrations set status = 'active'`)
    })

    const run = async <Row>(text: string) => (await sql.raw<Row>(text).execute(db.kysely)).rows
    const keyOf = (tenant: typeof A) => keys[tenant] as StreamKey
    const within = <T>(work: (scope: TenantScope) => Promise<T>, tenant = A) => withTenant(db, tenant, work)
    const stream = (tenant: typeof A, columns: string, values: string) =>
      run(`insert into sync_streams (tenant_id, integration_id, kind, sync_type, ${columns})
        values ('${tenant}', '${keyOf(tenant).integrationId}', 'tickets', 'incremental', ${values})`)
    const claim = (tenant = A) => within((scope) => claimStream(scope, keyOf(tenant), by, slots), tenant)
    const offered = async (except: string[] = []) => {
      const expression = dueStreams(by, 'incremental', { atMost: 10, except })
      const [row] = await withSystem(db, ({ query }) =>
        query(sql<{ found: TenantStream[] }>`select ${expression} as found`),
      )
      return row?.found.map(({ tenant_id }) => tenant_id)
    }
    const slotIsAhead = async () =>
      (await run<{ ahead: boolean }>('select next_run_at > now() as ahead from sync_streams'))[0]?.ahead

    test('a slot is due, then a run that was requested, then one whose wait or lease has ended; a share that is used up is not', async () => {
      await stream(A, 'watermark, next_run_at', `now(), now() + interval '1 hour'`)
      await stream(B, 'watermark, next_run_at', `now(), now() - interval '1 second'`)
      assert.deepEqual(await offered(), [B])
      await within((scope) => requestRun(scope, keyOf(A), 'api'))
      assert.deepEqual(await offered(), [A, B], 'the one that waits for nobody comes first')
      assert.deepEqual(await offered([A]), [B])
      const claimed = (await claim()) ?? assert.fail()
      assert.deepEqual(await offered(), [B], 'not while it runs')
      await run(`update sync_streams set lease_until = now() - interval '1 ms' where tenant_id = '${A}'`)
      assert.deepEqual((await offered())?.sort(), [A, B], 'its process has died')
      const wait = { ms: 60_000, failures: 1, restart: undefined }
      assert.equal(await within((scope) => releaseStream(scope, keyOf(A), claimed, wait)), true)
      assert.deepEqual(await offered(), [B], 'not before its wait is over')
      await run(`update sync_streams set not_before = now() - interval '1 ms' where tenant_id = '${A}'`)
      assert.deepEqual((await offered())?.sort(), [A, B])
    })

    test('a claim at a slot takes the slot and starts a run, once', async () => {
      await stream(A, 'watermark, next_run_at', 'now(), now()')
      const claims = await Promise.all([claim(), claim()])
      const [one] = claims.filter((each) => each !== undefined)
      assert.ok(one)
      assert.equal(claims.filter((each) => each !== undefined).length, 1)
      assert.equal(await slotIsAhead(), true)
      const events = await run<Record<string, unknown>>(
        'select sync_event_id, trigger, state, started_at is not null as started from sync_events',
      )
      assert.deepEqual(events, [
        { sync_event_id: one.sync_event_id, trigger: 'schedule', state: 'running', started: true },
      ])
    })

    for (const [why, columns, values, status] of [
      ['of an integration that is not connected', 'watermark, next_run_at', 'now(), now()', 'disconnected'],
      ['without a window to search', 'next_run_at', 'now()', 'active'],
    ] as const)
      test(`a slot ${why} is taken and starts nothing`, async () => {
        await stream(A, columns, values)
        await run(`update tenant_integrations set status = '${status}'`)
        assert.equal(await claim(), undefined)
        assert.equal(await slotIsAhead(), true)
        assert.deepEqual(await run('select from sync_events'), [])
        assert.deepEqual(await offered(), [])
      })

    test('a slot during a run is taken, and the run continues under a new claim or stays with its process', async () => {
      await stream(A, 'watermark, next_run_at', 'now(), now()')
      await within((scope) => requestRun(scope, keyOf(A), 'api'))
      const first = (await claim()) ?? assert.fail()
      assert.equal(await slotIsAhead(), true)
      await run('update sync_streams set next_run_at = now()')
      assert.equal(await claim(), undefined, 'another process has it')
      assert.equal(await slotIsAhead(), true)
      await run('update sync_streams set lease_until = now()')
      const second = (await claim()) ?? assert.fail()
      assert.equal(second.sync_event_id, first.sync_event_id)
      assert.equal(second.epoch, first.epoch + 1)
      assert.deepEqual(await run('select trigger, state from sync_events'), [
        { trigger: 'api', state: 'running' },
      ])
    })

    test('scheduled runs in a row that find nothing become one, and anything else keeps its own row', async () => {
      await stream(A, 'watermark', 'now()')
      const scheduled = async (step: RunProgress, errorCode: string | null = null) => {
        await run('update sync_streams set next_run_at = now()')
        const claimed = (await claim()) ?? assert.fail()
        await within((scope) => finishRun(scope, keyOf(A), claimed, ending(step, errorCode)))
        return claimed.sync_event_id
      }
      const requested = async () => {
        await within((scope) => requestRun(scope, keyOf(A), 'api'))
        const claimed = (await claim()) ?? assert.fail()
        await within((scope) => finishRun(scope, keyOf(A), claimed, ending(nothing)))
      }
      const history = () =>
        run<{ trigger: string; state: string; repeat_count: number }>(
          'select trigger, state, repeat_count from sync_events order by sync_event_id',
        )
      const row = (repeat_count: number, state = 'succeeded', trigger = 'schedule') => ({
        trigger,
        state,
        repeat_count,
      })
      const first = await scheduled(nothing)
      const [begun] = await run<{ at: Date }>(
        `select started_at as at from sync_events where sync_event_id = '${first}'`,
      )
      await scheduled(nothing)
      const last = await scheduled(nothing)
      assert.deepEqual(await history(), [row(2)])
      const [kept] = await run<Record<string, unknown>>(
        'select sync_event_id, repeats_since, done from sync_events',
      )
      assert.deepEqual(kept, { sync_event_id: last, repeats_since: begun?.at, done: 3 })
      for (const found of ['inserted', 'changed', 'archived', 'repaired'] as const)
        await scheduled({ ...nothing, [found]: 1 })
      await scheduled(nothing, 'associations_unread')
      await scheduled(nothing)
      await requested()
      await scheduled(nothing)
      await scheduled(nothing)
      assert.deepEqual(await history(), [
        row(2),
        ...Array.from({ length: 4 }, () => row(0)),
        row(0, 'partial'),
        row(0),
        row(0, 'succeeded', 'api'),
        row(1),
      ])
    })

    if (engine.name === 'PostgreSQL')
      test('the poll searches the index by time, as the role that polls', async () => {
        await run(`insert into sync_streams (tenant_id, integration_id, kind, sync_type, next_run_at)
          select '${A}', '${keyOf(A).integrationId}', 'kind ' || n, 'incremental', now() + n * interval '1 minute'
          from generate_series(1, 5000) n`)
        await run('analyze sync_streams')
        const expression = dueStreams(by, 'incremental', { atMost: 10, except: [] })
        const plan = await withSystem(db, ({ query }) =>
          query(sql<{ 'QUERY PLAN': string }>`explain select ${expression}`),
        )
        const text = plan.map((line) => line['QUERY PLAN']).join('\n')
        assert.match(text, /Index Scan using sync_streams_due/)
        assert.match(text, /Index Cond: .*due_at <= /)
      })
  })
