/** Leases of deliveries, on both engines: exclusive, released at a stop, and taken over when the sender died. */
import assert from 'node:assert/strict'
import { after, before, beforeEach, describe, test } from 'node:test'
import { sql } from 'kysely'
import { byteLimits, createByteBudget } from '../../src/api/byte-budget.ts'
import { recordChange } from '../../src/changes/store.ts'
import type { Database } from '../../src/db/database.ts'
import { firstPosition } from '../../src/db/scan.ts'
import { type TenantScope, withSystem, withTenant } from '../../src/db/scope.ts'
import { readIssueVersions } from '../../src/issues/version-store.ts'
import { systemClock } from '../../src/lib/clock.ts'
import { newId } from '../../src/lib/ids.ts'
import { createMetrics } from '../../src/lib/metrics.ts'
import { newWebhookSecret } from '../../src/lib/standard-webhooks.ts'
import {
  dueEndpoints,
  type EndpointScan,
  saveAttempt,
  takeDeliveries,
} from '../../src/outbox/delivery-store.ts'
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
      const endpoint = {
        endpointId,
        url: 'https://example.com/',
        types: undefined,
        inOrder: false,
        include: [],
      }
      await within((scope) => insertEndpoint(scope, ring, endpoint, newWebhookSecret()))
    })
    beforeEach(async () => {
      await within((scope) => scope.query(sql`delete from deliveries`))
    })
    after(() => close())

    const within = <T>(work: (scope: TenantScope) => Promise<T>) => withTenant(db, A, work)
    const record = () => within((scope) => recordChange(scope, 'sync.completed', id, {}))
    const take = (leaseMs: number) =>
      within(
        async (scope) =>
          (await takeDeliveries(scope, endpointId, { inOrder: false, atMost: 8, leaseMs })).deliveries,
      )
    const due = async () => {
      const scan = dueEndpoints({ after: firstPosition, atMost: 10, except: [], withProduct: true })
      const [row] = await withSystem(db, ({ query }) =>
        query(sql<{ found: EndpointScan }>`select ${scan} as found`),
      )
      return row?.found.due.length
    }
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
        readIssues: readIssueVersions,
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

    test('a leased delivery is exclusive until its sender has been silent for too long', async () => {
      const seq = await record()
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

    test('a process that stops releases what it was sending, without counting an attempt', async () => {
      const seq = await record()
      const stop = new AbortController()
      await send(async (_url, _headers, _body, signal) => {
        stop.abort(new Error('it stops'))
        signal.throwIfAborted()
        return sent
      }, stop.signal)
      const [again] = await take(60_000)
      assert.deepEqual([again?.seq, again?.attempt_count], [seq, 0])
    })

    test('what was delivered is no longer due; a delivery whose change was deleted has failed', async () => {
      await record()
      const deleted = await record()
      await within((scope) => scope.query(sql`delete from changes where seq = ${deleted}`))
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

    test('a late failure does not undo a takeover or a redelivery; a late success counts', async () => {
      const seq = await record()
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

    test('an endpoint that is refused eight times at once is disabled once, and all eight deliveries remain', async () => {
      for (let n = 0; n < 8; n++) await record()
      const gone = { ...sent, outcome: 'gone', status: 410 } as const
      const answer = Promise.withResolvers<void>()
      let inFlight = 0
      const first = send(async () => {
        inFlight += 1
        await answer.promise
        return gone
      })
      await eventually(async () => inFlight === 8, 'all eight are in flight')
      // A sender that begins after the first refusal would fail those whose result is not saved yet.
      assert.equal(await send(async () => assert.fail('all are leased')), 0)
      answer.resolve()
      await first
      const [row] = await within((scope) =>
        scope.query(sql<{ tries: number; events: number }>`
          select (select count(*)::int from deliveries where attempt_count = 1) as tries,
            (select count(*)::int from changes where type = 'endpoint.disabled') as events`),
      )
      assert.deepEqual(row, { tries: 8, events: 1 })
      await within((scope) => scope.query(sql`update endpoints set disabled_at = null`))
    })

    test('a disabled endpoint gets no new deliveries, and pending ones fail', async () => {
      await record()
      await within((scope) => scope.query(sql`update endpoints set disabled_at = now()`))
      await record()
      await send(async () => assert.fail('nothing is sent'))
      assert.equal(await due(), 0)
      const [row] = await within((scope) =>
        scope.query(sql<{ n: number }>`select count(*)::int as n from deliveries`),
      )
      assert.equal(row?.n, 1)
      await within((scope) => scope.query(sql`update endpoints set disabled_at = null`))
    })
  })
