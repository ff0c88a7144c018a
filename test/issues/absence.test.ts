/** Tickets that a full pass did not see, on both engines: found in batches, marked deleted only on proof. */
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { sql } from 'kysely'
import type { Database } from '../../src/db/database.ts'
import { withTenant } from '../../src/db/scope.ts'
import { findAbsent, findLive, markDeleted } from '../../src/issues/absence-store.ts'
import { deleteIssueBatch, listIntegrationIssues } from '../../src/issues/store.ts'
import { saveMerges, upsertIssues } from '../../src/issues/upsert-store.ts'
import { bothEngines, engines } from '../support/engines.ts'
import { A, B, issueRow, seedTenant } from '../support/rows.ts'
import { within } from '../support/within.ts'

const at = (second: number) => new Date(Date.UTC(2026, 0, 2, 0, 0, second))
const ids = (from: number, count: number) => [...Array(count).keys()].map((n) => String(from + n))

for (const engine of engines) {
  describe(`absence on ${engine.name}`, () => {
    let db: Database
    let close: () => Promise<void>
    let id: string
    before(async () => {
      ;({ db, close } = await engine.open())
      id = await seedTenant(db, A)
      const theirs = await seedTenant(db, B)
      await withTenant(db, A, async (scope) => {
        const live = ids(1000, 12).map((ticket) => issueRow(ticket))
        const archived = ids(2000, 2).map((ticket) => issueRow(ticket, { archived: true }))
        await upsertIssues(scope, id, [...live, ...archived], at(1))
      })
      await withTenant(db, B, (scope) => upsertIssues(scope, theirs, [issueRow('1003')], at(1)))
    })
    after(() => close())

    const within = <T>(work: Parameters<typeof withTenant<T>>[2]) => withTenant(db, A, work)
    const absent = (since: Date, atMost: number, beyond?: string) =>
      within((scope) => findAbsent(scope, id, since, beyond, atMost))

    test('everything that no read returned since the pass began, except merged ones; a search does not count', async () => {
      await within(async (scope) => {
        await upsertIssues(
          scope,
          id,
          ids(1000, 6).map((ticket) => issueRow(ticket)),
          at(10),
        )
        await upsertIssues(scope, id, [issueRow('1006')], at(10), 'search')
        // New since the pass began: the list had passed its place.
        await upsertIssues(scope, id, [issueRow('3000')], at(11), 'search')
        await saveMerges(scope, id, [{ loser: '1007', survivor: '3000' }], at(11))
      })
      const found = await absent(at(10), 1_000)
      assert.deepEqual(found, {
        beyond: undefined,
        live: 13,
        absent: ['1006', '1008', '1009', '1010', '1011', '2000', '2001'],
        absentLive: 5,
      })
    })

    test('a batch ends at its last absent ticket, and the next one continues after it', async () => {
      const first = await absent(at(10), 3)
      assert.deepEqual([first.absent, first.beyond], [['1006', '1008', '1009'], '1009'])
      const second = await absent(at(10), 3, first.beyond)
      assert.deepEqual(second.absent, ['1010', '1011', '2000'])
      const third = await absent(at(10), 3, second.beyond)
      assert.deepEqual([third.absent, third.beyond], [['2001'], undefined])
    })

    test('marking deleted affects only what was not seen since the proof, and returns which were live', async () => {
      await within((scope) => upsertIssues(scope, id, [issueRow('1009')], at(21)))
      const markedDeleted = await within((scope) =>
        markDeleted(scope, id, ['1008', '1009', '2000', '1007', '9999'], at(20)),
      )
      // 1009 was shown later than the proof; it proves nothing of that one.
      assert.deepEqual(markedDeleted, { markedDeleted: ['1008'], unverified: ['1009'] })
      const rows = await within((scope) =>
        listIntegrationIssues(scope, { integrationId: id, after: undefined, limit: 100 }),
      )
      const deleted = rows
        .filter(({ deleted_at: deletedAt }) => deletedAt)
        .map(({ ticket_id: ticketId }) => ticketId)
      assert.deepEqual(deleted, ['1008', '2000'])
      assert.deepEqual((await absent(at(10), 1_000)).absent, ['1006', '1010', '1011', '2001'])
      // Shown again by a later read it lives; by an earlier one it does not.
      const late = await within((scope) => upsertIssues(scope, id, [issueRow('1008')], at(19)))
      assert.equal(late[0]?.outcome, 'stale')
      const again = await within((scope) => upsertIssues(scope, id, [issueRow('1008')], at(22)))
      assert.equal(again[0]?.outcome, 'restored')
    })

    test('the live ones in order, a page at a time', async () => {
      const first = await within((scope) => findLive(scope, id, '1003', 3))
      assert.deepEqual(first, ['1004', '1005', '1006'])
      assert.deepEqual(await within((scope) => findLive(scope, id, '1010', 3)), ['1011', '3000'])
    })
  })
}

for (const engine of bothEngines) {
  test(`30,000 issues without statistics make no statement slow, on ${engine.name}`, async () => {
    const { db, close } = await engine.open()
    try {
      const id = await seedTenant(db, A)
      // As just after a first load, and in an embedded database always.
      for (const table of ['issues', 'issue_last_seen', 'issue_associations'])
        await sql.raw(`alter table ${table} set (autovacuum_enabled = false)`).execute(db.kysely)
      await sql`
        insert into issues (tenant_id, integration_id, ticket_id, issue_id, modified_at, properties, observed_at)
        select ${A}, ${id}, (400000000000 + n)::text, gen_random_uuid(), ${at(1)}, '{}', ${at(1)}
        from generate_series(1, 30000) n`.execute(db.kysely)
      await sql`
        insert into issue_last_seen (tenant_id, integration_id, ticket_id, seen_at)
        select ${A}, ${id}, (400000000000 + n)::text, ${at(10)} from generate_series(1, 29000) n`.execute(
        db.kysely,
      )
      const quick = <T>(what: string, work: Parameters<typeof withTenant<T>>[2]) =>
        within(1_500, () => withTenant(db, A, work), what)
      let beyond: string | undefined = '3'
      const absent: string[] = []
      do {
        const from: string = beyond
        const stretch = await quick('absent', (scope) => findAbsent(scope, id, at(10), from, 100_000))
        absent.push(...stretch.absent)
        beyond = stretch.beyond
      } while (beyond !== undefined)
      assert.equal(absent.length, 1_000)
      const some = absent.slice(0, 100)
      assert.equal(
        (await quick('mark deleted', (scope) => markDeleted(scope, id, some, at(20)))).markedDeleted.length,
        100,
      )
      assert.equal(await quick('delete', (scope) => deleteIssueBatch(scope, id, 2_000)), 2_000)
    } finally {
      await close()
    }
  })
}
