/** What a drain must not lose, and what must not hold it up; on PostgreSQL, with HubSpot's responses set by the test. */
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { after, before, beforeEach, test } from 'node:test'
import { sql } from 'kysely'
import type { Database } from '../../src/db/database.ts'
import { openDatabase } from '../../src/db/open-database.ts'
import { firstPosition } from '../../src/db/scan.ts'
import { withSystem, withTenant } from '../../src/db/scope.ts'
import type { HubSpotCall, HubSpotResponse } from '../../src/hubspot/client/call.ts'
import type { TicketChangeType } from '../../src/hubspot/events/webhook-event.ts'
import { HubSpotError } from '../../src/hubspot/hubspot-error.ts'
import { dueInboxes, type InboxScan } from '../../src/inbox/claim-store.ts'
import { drainInbox } from '../../src/inbox/drain.ts'
import { enqueueDeliveries, findDueRows } from '../../src/inbox/store.ts'
import { createTicketKind } from '../../src/issues/ticket-kind.ts'
import { systemClock } from '../../src/lib/clock.ts'
import { createMetrics } from '../../src/lib/metrics.ts'
import { type Bench, startBench } from '../issues/catalog-fixture.ts'
import { startTestEmulator, type TestEmulator, truthOf } from '../support/emulator.ts'
import { quiet } from '../support/engines.ts'
import { newPostgresDatabase } from '../support/postgres.ts'
import { A, B, seedTenant } from '../support/rows.ts'

let emulator: TestEmulator
let db: Database
let bench: Bench
let parts: Parameters<typeof drainInbox>[0]
/** Answers a batch read in HubSpot's place; undefined: it may. */
let answer: ((ids: string[]) => Promise<HubSpotResponse | undefined>) | undefined
let reads: string[][] = []
/** Answers for the contacts of tickets in HubSpot's place: of many, or of one. */
let contacts: ((ids: string[] | undefined) => object) | undefined

const claimant = { instance: 'test', exclusive: false, leaseMs: 60_000 }

before(async () => {
  emulator = await startTestEmulator({ quirks: { index_lag_ms: 0 } })
  db = await openDatabase({ url: await newPostgresDatabase(), dataDir: '', poolSize: 8 }, quiet)
  bench = await startBench(db, emulator, { tickets: 240 }, ['oauth', 'tickets'])
  const real = bench.parts.hubspot
  const hubspot = {
    ...real,
    async call(call: HubSpotCall) {
      const ids = (call.json as { inputs?: { id: string }[] } | undefined)?.inputs?.map(({ id }) => id)
      const path = String(call.path)
      if (contacts && /tickets\/(contacts\/batch\/read|.*\/contacts)$/.test(path))
        return { status: 207, date: new Date(), body: contacts(ids) }
      if (!ids || !String(call.path).endsWith('/tickets/batch/read')) return await real.call(call)
      reads.push(ids)
      return (await answer?.(ids)) ?? (await real.call(call))
    },
  }
  parts = {
    db,
    hubspot,
    tokens: bench.tokens,
    claimant,
    kind: createTicketKind({ db, hubspot, tokens: bench.tokens }),
    windowMs: 60_000,
    clock: systemClock,
    metrics: createMetrics(),
    log: quiet,
  }
})
beforeEach(async () => {
  answer = undefined
  contacts = undefined
  reads = []
  await run(`delete from inbox_entries`)
  await run(`update inboxes set lease_until = null, lease_owner = null, failures = 0, not_before = null`)
})
after(async () => {
  await bench?.close()
  await db?.close()
  await emulator?.close()
})

const run = async <Row>(text: string) => (await sql.raw<Row>(text).execute(db.kysely)).rows
const tickets = async () => [...(await truthOf(emulator, bench.hubId)).keys()].sort()
const receive = (ticketIds: string[], type: TicketChangeType = 'propertyChange', hubId = bench.hubId) =>
  withSystem(db, (scope) =>
    enqueueDeliveries(
      scope,
      [{ hash: randomBytes(32), changes: [{ hubId, type, ticketIds, occurredAt: Date.now() }] }],
      0,
    ),
  )
const drainOnce = () => drainInbox(parts, A, bench.whose.integrationId, new AbortController().signal)
interface Row {
  ids: string[]
  tries: number
  rounds: number
  aside: boolean
  why: string | null
}
const inbox = () =>
  run<Row>(`select ticket_ids as ids, attempt_count as tries, inconclusive_count as rounds, due_at = 'infinity' as aside, dead_letter_reason as why from inbox_entries
    where change <> 'associationChange' order by entry_id`)
/** Makes everything that waits due now. */
const hurry = () => run(`update inbox_entries set due_at = now() where due_at < 'infinity'`)

test('what HubSpot leaves undecided is requested again, and dead-lettered in the end; the others are drained', async () => {
  const [a, b] = (await tickets()) as [string, string]
  answer = async (ids) =>
    ids.includes(a)
      ? {
          status: 207,
          date: new Date(),
          body: {
            status: 'COMPLETE',
            results: [
              {
                id: b,
                properties: { subject: 'edited', hs_lastmodifieddate: '2027-01-01T00:00:00Z' },
                archived: false,
                createdAt: '2026-01-01T00:00:00Z',
                updatedAt: '2027-01-01T00:00:00Z',
              },
            ],
            numErrors: 1,
            errors: [
              { status: 'error', category: 'INTERNAL_ERROR', message: 'not now', context: { ids: [a] } },
            ],
          },
        }
      : undefined
  await receive([a, b])
  await drainOnce()
  assert.deepEqual(await inbox(), [{ ids: [a], tries: 1, rounds: 0, aside: false, why: null }])
  assert.equal((await run(`select from issues where subject = 'edited'`)).length, 1)
  for (let tries = 2; tries <= 5; tries++) {
    await hurry()
    await drainOnce()
  }
  const [aside, ...none] = await inbox()
  assert.deepEqual(none, [])
  assert.deepEqual([aside?.ids, aside?.tries, aside?.aside], [[a], 5, true])
  assert.match(aside?.why ?? '', /did not say whether/)
})

test('a change that incomplete responses often left out is still retried', async () => {
  const [shown, b] = (await tickets()).slice(30) as [string, string]
  const short = async () => ({
    status: 200,
    date: new Date(),
    body: { status: 'COMPLETE', results: [] },
  })
  await receive([b])
  for (let round = 0; round < 5; round++) {
    // A ticket that is returned when requested alone proves that the responses are incomplete.
    await receive([shown])
    await run(
      `update inbox_entries set due_at = now() - interval '1 minute' where ticket_ids = array['${shown}']`,
    )
    answer = short
    await drainOnce()
    assert.deepEqual(
      (await inbox()).map(({ ids, tries }) => [ids, tries]),
      [[[b], 0]],
    )
    await hurry()
  }
  // Now HubSpot reports it as missing, as it does for a ticket that was just created.
  await emulator.control('DELETE', `/portals/${bench.hubId}/tickets`, { ids: [b], permanent: true })
  answer = undefined
  await drainOnce()
  assert.deepEqual(
    (await inbox()).map(({ ids }) => ids),
    [[b]],
  )
})

for (const [how, open] of [
  ['an error', { results: [], errors: [{ category: 'INTERNAL_ERROR', context: { ids: ['A'] } }] }],
  ['an error without ids', { results: [], errors: [{ category: 'INTERNAL_ERROR' }] }],
  ['a list without an end', { results: [{ from: { id: 'A' }, to: [], paging: { next: { after: 'x' } } }] }],
  ['silence', { results: [] }],
] as const)
  test(`an associated contact that ${how} leaves open is read again, and no problem of the account is cleared`, async () => {
    const [a, b] = (await tickets()).slice(10) as [string, string]
    const to = [{ toObjectId: 77, associationTypes: [{ category: 'HUBSPOT_DEFINED', typeId: 16 }] }]
    const whole = { results: [a, b].map((id) => ({ from: { id }, to })) }
    const stored = async () =>
      await run<{ id: string; contact: string | null }>(
        `select ticket_id as id, associations #>> '{contacts,0,id}' as contact from issue_associations
         where ticket_id in ('${a}', '${b}') order by 1`,
      )
    const problem = async () =>
      (
        await run<{ problem: string }>(
          `select problem from integration_resources where resource = 'contacts'`,
        )
      )[0]
    await receive([a, b])
    await drainOnce()
    await run('delete from inbox_entries')
    await run(`delete from integration_resources where resource = 'contacts'`)
    contacts = () => whole
    await receive([a], 'associationChange')
    await drainOnce()
    assert.deepEqual(await run('select from inbox_entries'), [])
    assert.deepEqual(await problem(), { problem: null })
    // A full run has not read all of them.
    await run(`update integration_resources set problem = 'invalid_answer' where resource = 'contacts'`)
    const given = JSON.parse(JSON.stringify(open).replaceAll('A', a))
    contacts = (ids) =>
      // Requested alone, it has one.
      ids ? { ...given, results: [...given.results, { from: { id: b }, to }] } : { results: [{}] }
    await receive([a, b], 'associationChange')
    await drainOnce()
    const left = () =>
      run<{ ids: string[]; n: number }>(
        'select ticket_ids as ids, attempt_count + inconclusive_count as n from inbox_entries',
      )
    assert.deepEqual(await left(), [{ ids: [a], n: 1 }])
    assert.deepEqual(
      await stored(),
      [a, b].map((id) => ({ id, contact: '77' })),
    )
    contacts = () => whole
    await hurry()
    await drainOnce()
    assert.deepEqual(await left(), [])
    assert.deepEqual(await problem(), { problem: 'invalid_answer' })
  })

test('a drain whose inbox another process took meanwhile stores nothing, and removes nothing', async () => {
  const [a] = (await tickets()) as [string]
  await receive([a])
  await drainOnce()
  await emulator.control('PATCH', `/portals/${bench.hubId}/tickets`, {
    ids: [a],
    properties: { subject: 'late' },
  })
  await receive([a])
  answer = async () => {
    await run(`update inboxes set lease_owner = 'another process', lease_until = now() + interval '1 minute'`)
    return undefined
  }
  assert.equal(await drainOnce(), undefined)
  assert.deepEqual(
    (await inbox()).map(({ ids }) => ids),
    [[a]],
  )
  assert.deepEqual(await run(`select from issues where subject = 'late'`), [])
  assert.deepEqual(
    (await run<{ by: string }>('select lease_owner as by from inboxes')).map(({ by }) => by),
    ['another process'],
  )
})

test('an outage in the middle leaves exactly what was not read', async () => {
  const all = await tickets()
  // No entry has as many tickets as one read: in any order, the outage leaves a part of an entry.
  await receive(all.slice(0, 60))
  await receive(all.slice(50, 140))
  await receive(all.slice(130, 210))
  answer = async () => {
    if (reads.length > 1) throw new HubSpotError('unavailable', 'test', { status: 503 })
    return undefined
  }
  assert.equal(await drainOnce(), undefined)
  const [first = []] = reads
  assert.equal(first.length, 100)
  const left = (await inbox()).flatMap(({ ids }) => ids)
  assert.deepEqual(new Set(left), new Set(all.slice(0, 210).filter((id) => !first.includes(id))))
  answer = undefined
  await run('update inboxes set not_before = null')
  assert.equal(typeof (await drainOnce()), 'number')
  assert.deepEqual(await inbox(), [])
})

test('while HubSpot refuses everything, no ticket gets a failure', async () => {
  const some = (await tickets()).slice(0, 3)
  await receive(some)
  answer = async () => {
    throw new HubSpotError('rejected', 'test', { status: 400 })
  }
  for (let failures = 1; failures <= 3; failures++) {
    await run('update inboxes set not_before = null')
    await drainOnce()
    assert.deepEqual(await inbox(), [{ ids: some, tries: 0, rounds: 0, aside: false, why: null }])
    const [failed] = await run<{ failures: number }>('select failures from inboxes where failures > 0')
    assert.equal(failed?.failures, failures)
  }
})

test('a postponed entry waits for its own time, however wide the window', async () => {
  const [a, b] = (await tickets()) as [string, string]
  await receive([a])
  await run(`update inbox_entries set inconclusive_count = 1, due_at = now() + interval '20 s'`)
  await receive([b])
  const due = await withTenant(db, A, (scope) => findDueRows(scope, bench.whose.integrationId, 60_000, 100))
  assert.deepEqual(
    due.map(({ ticket_ids }) => ticket_ids),
    [[b]],
  )
})

test('the inbox of a tenant that is being erased is not offered, and does not hold up others', async () => {
  const other = await seedTenant(db, B, 777)
  await run('delete from inbox_entries')
  await run('update inboxes set lease_until = null, lease_owner = null')
  await receive(['1'])
  await receive(['1'], 'propertyChange', 777)
  const offered = async () => {
    const scan = dueInboxes(claimant, { after: firstPosition, atMost: 10, except: [] })
    const [row] = await withSystem(db, ({ query }) =>
      query(sql<{ found: InboxScan }>`select ${scan} as found`),
    )
    return (row?.found.due ?? []).map(({ integration_id }) => integration_id).sort()
  }
  assert.deepEqual(await offered(), [bench.whose.integrationId, other].sort())
  await run(`update tenants set erasing_at = now() where tenant_id = '${A}'`)
  try {
    assert.deepEqual(await offered(), [other])
  } finally {
    await run(`update tenants set erasing_at = null where tenant_id = '${A}'`)
  }
})
