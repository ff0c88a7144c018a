/** A run's writes on its stream: only while the claim holds and the run has not come to its end. */
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { sql } from 'kysely'
import type { Database } from '../../src/db/database.ts'
import { withTenant } from '../../src/db/scope.ts'
import { newId } from '../../src/lib/ids.ts'
import { type Ending, finishRun } from '../../src/sync/run-end-store.ts'
import {
  claimStream,
  type RunProgress,
  releaseStream,
  requestRun,
  type StreamClaim,
  saveCheckpoint,
} from '../../src/sync/store.ts'
import { firstCursor, type StreamKey } from '../../src/sync/stream.ts'
import { engines } from '../support/engines.ts'
import { A, seedTenant } from '../support/rows.ts'

const by = { instance: newId(), exclusive: false, leaseMs: 25_000 }
const slots = { periodMs: 300_000, offsetMs: 0 }
const nothing: RunProgress = {
  pages: 0,
  done: 0,
  inserted: 0,
  changed: 0,
  unchanged: 0,
  archived: 0,
  failed: 0,
  repaired: 0,
  total: undefined,
}
const well: Ending = {
  state: 'succeeded',
  watermark: new Date('2026-01-01T00:00:00Z'),
  lookBackMs: 0,
  deletionsHeldBack: null,
  errorCode: null,
  error: null,
  listWasIdle: false,
  lastStep: nothing,
}

for (const engine of engines) {
  describe(`a claim on ${engine.name}`, () => {
    let db: Database
    let close: () => Promise<void>
    let key: StreamKey
    before(async () => {
      ;({ db, close } = await engine.open())
      key = { integrationId: await seedTenant(db, A), kind: 'tickets', syncType: 'incremental' }
    })
    after(() => close())
    const within = <T>(work: Parameters<typeof withTenant<T>>[2]) => withTenant(db, A, work)
    async function claimed(): Promise<StreamClaim> {
      await within((scope) => requestRun(scope, key, 'api'))
      return (await within((scope) => claimStream(scope, key, by, slots))) ?? assert.fail('nothing to claim')
    }
    const wait = { ms: 1_000, failures: 1, restart: undefined }

    test('whose end was stored, though the process did not learn of it, blocks neither the stream nor the run that is queued next', async () => {
      const claim = await claimed()
      assert.equal(await within((scope) => finishRun(scope, key, claim, well)), 'succeeded')
      assert.equal(await within((scope) => releaseStream(scope, key, claim, wait)), false)
      const { event } = await within((scope) => requestRun(scope, key, 'api'))
      assert.equal(await within((scope) => releaseStream(scope, key, claim, wait)), false)
      assert.equal(
        await within((scope) => saveCheckpoint(scope, key, claim, 1_000, firstCursor('full', null), nothing)),
        false,
      )
      assert.equal(
        await within((scope) =>
          finishRun(scope, key, claim, { state: 'failed', errorCode: 'internal', error: '', lost: false }),
        ),
        undefined,
      )
      const [stream] = await within(({ query }) =>
        query(sql<{ sync_event_id: string; not_before: Date | null; cursor: unknown }>`
          select sync_event_id, not_before, cursor from sync_streams
          where integration_id = ${key.integrationId} and sync_type = ${key.syncType}`),
      )
      assert.deepEqual(stream, { sync_event_id: event.sync_event_id, not_before: null, cursor: null })
      const next = (await within((scope) => claimStream(scope, key, by, slots))) ?? assert.fail()
      await within((scope) => finishRun(scope, key, next, well))
    })

    test('that was given up leaves its position to the next run, unless the position itself was lost', async () => {
      const startedAt = new Date().toISOString()
      const failed = { state: 'failed', errorCode: 'hubspot_unavailable', error: '' } as const
      for (const lost of [false, true]) {
        const claim = await claimed()
        const cursor = { ...firstCursor('full', null), startedAt, restarts: 8 }
        assert.equal(await within((scope) => saveCheckpoint(scope, key, claim, 1_000, cursor, nothing)), true)
        assert.equal(await within((scope) => finishRun(scope, key, claim, { ...failed, lost })), 'failed')
        const next = await claimed()
        assert.deepEqual(next.cursor, lost ? null : cursor)
        await within((scope) => finishRun(scope, key, next, well))
      }
    })
  })
}
