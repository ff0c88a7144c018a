/** What is taken comes back when its sender died, is given back when it stops, and is nobody else's meanwhile; on both engines. */
import assert from 'node:assert/strict'
import { after, before, beforeEach, describe, test } from 'node:test'
import { sql } from 'kysely'
import { byteLimits, createByteBudget } from '../../src/api/byte-budget.ts'
import { recordChange } from '../../src/changes/store.ts'
import type { Database } from '../../src/db/database.ts'
import { type TenantScope, withSystem, withTenant } from '../../src/db/scope.ts'
import { systemClock } from '../../src/lib/clock.ts'
import { newId } from '../../src/lib/ids.ts'
import { createMetrics } from '../../src/lib/metrics.ts'
import { newWebhookSecret } from '../../src/lib/standard-webhooks.ts'
import { findDueEndpoints, saveAttempt, takeDeliveries } from '../../src/outbox/delivery-store.ts'
import { insertEndpoint } from '../../src/outbox/endpoint-store.ts'
import { sendToEndpoint } from '../../src/outbox/sender.ts'
import type { WebhookPoster } from '../../src/outbox/webhook-poster.ts'
import { engines, quiet } from '../support/engines.ts'
import { A, ring, seedTenant } from '../support/rows.ts'
import { eventually } from '../support/service.ts'

for (const engine of engines)
  describe(`deliveries on ${engine.name}`, () => {
    let db: Database
    let close: () => Promise<void>
    let id: string
    const endpointId = newId()
    before(async () => {
      ;({ db, close } = await engine.open())
      id = await seedTenant(db, A)
      await within((scope) => scope.query(sql`delete from endpoints`))
      const endpoint = { endpointId, url: 'https://example.com/', types: undefined, inOrder: false }
      await within((scope) => insertEndpoint(scope, ring, endpoint, newWebhookSecret()))
    })
    beforeEach(async () => {
      await within((scope) => scope.query(sql`delete from deliveries`))
    })
    after(() => close())

    const within = <T>(work: (scope: TenantScope) => Promise<T>) => withTenant(db, A, work)
    const told = () => within((scope) => recordChange(scope, 'sync.completed', id, {}))
    const take = (leaseMs: number) =>
      within(
        async (scope) =>
          (await takeDeliveries(scope, endpointId, { inOrder: false, atMost: 8, leaseMs })).deliveries,
      )
    const due = async () =>
      (await withSystem(db, (scope) => findDueEndpoints(scope, { atMost: 10, withProduct: true }))).length
    const send = (post: WebhookPoster['post'], signal = new AbortController().signal) => {
      const poster = { post, close: async () => {} }
      const bytes = createByteBudget(byteLimits(), systemClock, () => {})
      const parts = {
        db,
        ring,
        product: undefined,
        bytes,
        clock: systemClock,
        metrics: createMetrics(),
        log: quiet,
      }
      return sendToEndpoint(
        { ...parts, posters: { tenants: poster, product: poster } },
        A,
        endpointId,
        signal,
      )
    }
    const sent = {
      outcome: 'delivered',
      status: 204,
      error: undefined,
      response: undefined,
      retryAfterMs: undefined,
      ms: 1,
    } as const

    test('what is taken is nobody else’s, until its sender has been silent for too long', async () => {
      const seq = await told()
      assert.equal(await due(), 1)
      assert.deepEqual(
        (await take(1_500)).map((one) => [one.seq, one.change?.seq]),
        [[seq, seq]],
      )
      assert.deepEqual(await take(1_500), [])
      assert.equal(await due(), 0)
      await eventually(async () => (await due()) === 1, 'it is due again')
      assert.equal((await take(60_000))[0]?.seq, seq)
    })

    test('a process that stops gives back what it was sending, as if it had never tried', async () => {
      const seq = await told()
      const stop = new AbortController()
      await send(async (_url, _headers, _body, signal) => {
        stop.abort(new Error('it stops'))
        signal.throwIfAborted()
        return sent
      }, stop.signal)
      const [again] = await take(60_000)
      assert.deepEqual([again?.seq, again?.attemptCount], [seq, 0])
    })

    test('what was delivered is not due any more; a change that is gone has failed', async () => {
      await told()
      const gone = await told()
      await within((scope) => scope.query(sql`delete from changes where seq = ${gone}`))
      const ids: string[] = []
      await send(async (_url, headers) => {
        ids.push(headers['webhook-id'] ?? '')
        return sent
      })
      assert.equal(ids.length, 1)
      assert.equal(await due(), 0)
      const rows = await within((scope) =>
        scope.query(sql<{ done: boolean; why: string | null }>`
          select delivered_at is not null as done, failure_reason as why from deliveries order by seq`),
      )
      assert.deepEqual(rows, [
        { done: true, why: null },
        { done: false, why: 'the change is no longer retained' },
      ])
    })

    test('what was taken over or asked for again meanwhile is not undone by a late failure; a late arrival counts', async () => {
      const seq = await told()
      const [late] = await take(0)
      assert.ok(late)
      const [again] = await take(60_000)
      assert.equal(again?.seq, seq)
      const attempt = { ms: 1, status: 500, error: undefined, response: undefined }
      await within((scope) => saveAttempt(scope, endpointId, late, attempt, { failureReason: 'late' }))
      const state = () =>
        within((scope) =>
          scope.query(sql<{ done: boolean; open: boolean; why: string | null }>`
            select delivered_at is not null as done, due_at < 'infinity' as open, failure_reason as why from deliveries`),
        )
      assert.deepEqual(await state(), [{ done: false, open: true, why: null }])
      await within((scope) => saveAttempt(scope, endpointId, late, { ...attempt, status: 204 }, 'delivered'))
      assert.deepEqual(await state(), [{ done: true, open: true, why: null }])
      await within((scope) => saveAttempt(scope, endpointId, again, { ...attempt, status: 204 }, 'delivered'))
      assert.deepEqual(await state(), [{ done: true, open: false, why: null }])
    })

    test('an endpoint that is refused eight times at once is disabled once, and all eight are kept', async () => {
      for (let n = 0; n < 8; n++) await told()
      const gone = { ...sent, outcome: 'gone', status: 410 } as const
      await Promise.all([1, 2].map(() => send(async () => gone)))
      const [row] = await within((scope) =>
        scope.query(sql<{ tries: number; told: number }>`
          select (select count(*)::int from deliveries where attempt_count = 1) as tries,
            (select count(*)::int from changes where type = 'endpoint.disabled') as told`),
      )
      assert.deepEqual(row, { tries: 8, told: 1 })
      await within((scope) => scope.query(sql`update endpoints set disabled_at = null`))
    })

    test('a disabled endpoint is addressed nothing, and what waits for it fails', async () => {
      await told()
      await within((scope) => scope.query(sql`update endpoints set disabled_at = now()`))
      await told()
      await send(async () => assert.fail('nothing is sent'))
      assert.equal(await due(), 0)
      const [row] = await within((scope) =>
        scope.query(sql<{ n: number }>`select count(*)::int as n from deliveries`),
      )
      assert.equal(row?.n, 1)
      await within((scope) => scope.query(sql`update endpoints set disabled_at = null`))
    })
  })
