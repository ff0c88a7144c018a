/**
 * The events of a recorded history, in any order, some twice, some days late, drained at any moment between: the store ends equal to
 * HubSpot each time. 10,000 permutations by `npm run test:long`, some by `npm test`; a seed selects them.
 */
import assert from 'node:assert/strict'
import { createHash, randomBytes } from 'node:crypto'
import { after, before, describe, test } from 'node:test'
import fc from 'fast-check'
import { sql } from 'kysely'
import type { Database } from '../../src/db/database.ts'
import { withSystem } from '../../src/db/scope.ts'
import { readDelivery } from '../../src/hubspot/events/webhook-event.ts'
import { drainInbox } from '../../src/inbox/drain.ts'
import { enqueueDeliveries } from '../../src/inbox/store.ts'
import { createTicketKind } from '../../src/issues/ticket-kind.ts'
import { systemClock } from '../../src/lib/clock.ts'
import { createMetrics } from '../../src/lib/metrics.ts'
import { type Bench, startBench } from '../issues/catalog-fixture.ts'
import { startTestEmulator, type TestEmulator, truthOf } from '../support/emulator.ts'
import { bothEngines, engines, quiet } from '../support/engines.ts'
import { long } from '../support/long.ts'
import { A } from '../support/rows.ts'

const clientId = 'test-client'
const scopes = ['oauth', 'tickets', 'crm.objects.owners.read', 'crm.objects.contacts.read']
const subscriptions = [
  ...['ticket', 'object'].flatMap((of) =>
    ['creation', 'deletion', 'merge', 'restore', 'associationChange'].map((type) => `${of}.${type}`),
  ),
  'ticket.propertyChange:subject',
  'object.propertyChange:subject',
]
/** What the history touches, apart from what was prepared for it. */
const tablesOfIssues = ['issues', 'issue_last_seen', 'issue_merges', 'issue_associations', 'record_problems']
const runs = long ? 10_000 : 25

for (const engine of long ? bothEngines : engines)
  describe(`permutations of a history on ${engine.name}`, { timeout: 3_600_000 }, () => {
    let emulator: TestEmulator
    let db: Database
    let close: () => Promise<void>
    let bench: Bench
    let events: unknown[]
    let appId: number
    let truth: string[]
    let parts: Parameters<typeof drainInbox>[0]

    before(async () => {
      emulator = await startTestEmulator({ quirks: { index_lag_ms: 0 } })
      // All permutations together make more calls than an account allows.
      emulator.world.rates.limits.enabled = false
      ;({ db, close } = await engine.open())
      bench = await startBench(db, emulator, { tickets: 12, associations: { contacts: 1 } }, scopes)
      emulator.world.addToken(bench.hubId, { kind: 'oauth', client_id: clientId, scopes })
      const { hubspot } = bench.parts
      parts = {
        db,
        hubspot,
        tokens: bench.tokens,
        claimant: { instance: 'test', exclusive: false, leaseMs: 60_000 },
        kind: createTicketKind({ db, hubspot, tokens: bench.tokens }),
        windowMs: 60_000,
        clock: systemClock,
        metrics: createMetrics(),
        log: quiet,
      }
      for (const table of ['inbox_entries', 'inboxes', 'issues']) await clear(table)
      const ids = [...(await truthOf(emulator, bench.hubId)).keys()]
      // Nothing is sent there: the events are recorded, and `save` delivers them.
      const app = { target_url: 'http://127.0.0.1:9/hook', subscriptions }
      ;({ app_id: appId } = await emulator.control('PUT', `/apps/${clientId}/webhooks`, app))
      await emulator.control('PATCH', '/webhooks', { send: false, record: true })
      await save(ids.map((objectId) => event('creation', Number(objectId))))
      assert.ok(await drainAll())
      for (const table of tablesOfIssues) await run(`create table before_${table} as select * from ${table}`)
      // The state before lies minutes back, as it would: HubSpot's clock counts whole seconds.
      await run(`update before_issues set observed_at = observed_at - interval '5 minutes'`)
      await run(`update before_issue_last_seen set seen_at = seen_at - interval '5 minutes'`)
      await live(ids)
      const { results } = await emulator.control('GET', '/webhooks/events')
      events = results.map((one: { event: unknown }) => one.event)
      truth = await expectedRows()
      assert.ok(events.length >= 30, `${events.length} events`)
    })
    after(async () => {
      await bench?.close()
      await close?.()
      await emulator?.close()
    })

    const run = (text: string) => sql.raw(text).execute(db.kysely)
    const clear = (table: string) => run(`delete from ${table} where tenant_id = '${A}'`)
    const act = (method: string, path: string, body: object) =>
      emulator.control(method, `/portals/${bench.hubId}/tickets${path}`, body)
    const event = (type: string, objectId: number) => ({
      subscriptionType: `ticket.${type}`,
      portalId: bench.hubId,
      appId,
      objectId,
      occurredAt: Date.now(),
    })

    /** The history: each kind of change, some of them on the same tickets. */
    async function live(ids: readonly string[]): Promise<void> {
      const [a, b, c, d, e, f, g, h] = ids
      await act('POST', '', { count: 3, properties: { subject: 'new' } })
      await act('PATCH', '', { ids: [a, b, c], properties: { subject: 'edited once' } })
      await act('PATCH', '', { ids: [a, b], properties: { subject: 'edited twice' } })
      await act('DELETE', '', { ids: [b, d] })
      await act('POST', '/restore', { ids: [d] })
      await act('DELETE', '', { ids: [e], permanent: true })
      const { survivor } = await act('POST', '/merge', { primary: f, loser: g })
      await act('PATCH', '', { ids: [survivor], properties: { subject: 'the survivor' } })
      await act('POST', '/merge', { primary: survivor, loser: a })
      const link = { ticket_id: h, to: 'contacts', types: [{ category: 'HUBSPOT_DEFINED', typeId: 16 }] }
      for (const to_id of ['7001', '7002'])
        await emulator.control('POST', `/portals/${bench.hubId}/associations`, { ...link, to_id })
      await emulator.control('POST', `/portals/${bench.hubId}/associations`, {
        ...link,
        to_id: '7001',
        remove: true,
      })
    }

    /** What HubSpot has, in the format of `stored`. */
    async function expectedRows(): Promise<string[]> {
      const tickets = await truthOf(emulator, bench.hubId)
      return [...tickets].map(([id, { subject, updatedAt }]) => `${id} ${subject} ${updatedAt}`).sort()
    }
    async function stored(): Promise<string[]> {
      const { rows } = await sql<{ id: string; subject: string; at: Date }>`
        select ticket_id as id, subject, modified_at as at from issues
        where tenant_id = ${A} and not archived`.execute(db.kysely)
      return rows.map(({ id, subject, at }) => `${id} ${subject} ${at.toISOString()}`).sort()
    }
    async function contactsOfLinked(): Promise<string> {
      const { rows } = await sql<{ ids: string }>`
        select string_agg(c ->> 'id', ' ' order by c ->> 'id') as ids
        from issue_associations, jsonb_array_elements(associations -> 'contacts') c
        where tenant_id = ${A} and associations -> 'contacts' @> '[{"id": "7002"}]'`.execute(db.kysely)
      return rows[0]?.ids ?? ''
    }

    async function save(some: readonly unknown[]): Promise<void> {
      const delivery = readDelivery(some, appId, Date.now())
      assert.ok(delivery && delivery.malformed === 0 && delivery.otherApp === 0)
      const hash = createHash('sha256').update(randomBytes(16)).digest()
      await withSystem(db, (scope) => enqueueDeliveries(scope, [{ hash, changes: delivery.changes }], 0))
    }
    /** Until nothing is due: what a drain reads may leave more to read. */
    async function drainAll(): Promise<number> {
      const drained = await drainInbox(parts, A, bench.whose.integrationId, new AbortController().signal)
      return drained ? drained + (await drainAll()) : 0
    }

    const failedDrains = async () =>
      (await sql`select error_code from inboxes where tenant_id = ${A} and failures > 0`.execute(db.kysely))
        .rows

    async function asBefore(): Promise<void> {
      for (const table of [...tablesOfIssues, 'inbox_entries']) await clear(table)
      for (const table of tablesOfIssues)
        await run(
          `insert into ${table} (${await columns(table)}) select ${await columns(table)} from before_${table}`,
        )
    }
    const known = new Map<string, string>()
    async function columns(table: string): Promise<string> {
      const before = known.get(table)
      if (before !== undefined) return before
      const { rows } = await sql<{ names: string }>`
        select string_agg(quote_ident(column_name), ', ' order by ordinal_position) as names
        from information_schema.columns where table_schema = current_schema() and table_name = ${table} and is_generated = 'NEVER'`.execute(
        db.kysely,
      )
      const names = rows[0]?.names ?? ''
      known.set(table, names)
      return names
    }

    test(`${runs} of them, with duplicates, drained at any moment`, async () => {
      let equal = 0
      let contacts: string | undefined
      await fc.assert(
        fc.asyncProperty(
          fc.shuffledSubarray(
            events.map((_, at) => at),
            { minLength: events.length },
          ),
          fc.array(fc.nat(events.length - 1), { maxLength: 20 }),
          fc.array(fc.integer({ min: 1, max: 25 }), { minLength: 1, maxLength: 6 }),
          fc.array(fc.boolean(), { minLength: 1, maxLength: 6 }),
          async (order, again, sizes, drains) => {
            await asBefore()
            const all = [...order, ...again].map((at) => events[at])
            for (let from = 0, step = 0; from < all.length; step++) {
              const size = sizes[step % sizes.length] ?? 1
              await save(all.slice(from, from + size))
              if (drains[step % drains.length]) await drainAll()
              from += size
            }
            await drainAll()
            assert.deepEqual(await failedDrains(), [])
            assert.deepEqual(await stored(), truth)
            contacts ??= await contactsOfLinked()
            assert.equal(await contactsOfLinked(), contacts)
            assert.match(contacts, /7002/)
            assert.doesNotMatch(contacts, /7001/)
            const { rows } = await sql`select from inbox_entries where tenant_id = ${A}`.execute(db.kysely)
            assert.equal(rows.length, 0)
            equal += 1
          },
        ),
        { numRuns: runs, endOnFailure: true },
      )
      assert.ok(equal >= runs, `${equal}`)
    })

    test('and without one of its events the same test would see it', async () => {
      await asBefore()
      await save(
        events.filter((one) => !(one as { subscriptionType: string }).subscriptionType.endsWith('deletion')),
      )
      await drainAll()
      assert.notDeepEqual(await stored(), truth)
    })
  })
