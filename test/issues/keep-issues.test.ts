/** The upsert, on both engines: newer wins, the same writes nothing, and it says per row what it did. */
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { sql } from 'kysely'
import { lockIntegration } from '../../src/integrations/store.ts'
import type { IssueRow } from '../../src/issues/issue.ts'
import { findIssue, type KeptRow, keepIssues, listIssues, listIssuesOf } from '../../src/issues/store.ts'
import { ticketKind } from '../../src/issues/ticket-kind.ts'
import type { Database } from '../../src/lib/db.ts'
import { withTenant } from '../../src/tenants/scope.ts'
import { engines } from '../support/engines.ts'
import { A, B, issueRow, seedTenant } from '../support/rows.ts'

const at = (second: number) => new Date(Date.UTC(2026, 0, 2, 0, 0, second))
const outcomes = (kept: KeptRow[]) => Object.fromEntries(kept.map((row) => [row.ticketId, row.outcome]))

for (const engine of engines) {
  describe(`keeping issues on ${engine.name}`, () => {
    let db: Database
    let close: () => Promise<void>
    let id: string
    before(async () => {
      ;({ db, close } = await engine.open())
      id = await seedTenant(db, A)
      await seedTenant(db, B)
    })
    after(() => close())

    const keep = (rows: IssueRow[], observedAt: Date) =>
      withTenant(db, A, async (scope) => {
        await lockIntegration(scope, id)
        return await keepIssues(scope, id, rows, observedAt)
      })
    const stored = async (ticketId: string) =>
      (
        await withTenant(db, A, (scope) =>
          listIssuesOf(scope, { integrationId: id, after: undefined, limit: 1_000 }),
        )
      ).find((issue) => issue.ticketId === ticketId)

    test('a new ticket is inserted; read again unchanged it writes nothing', async () => {
      assert.deepEqual(outcomes(await keep([issueRow('10'), issueRow('11')], at(1))), {
        10: 'inserted',
        11: 'inserted',
      })
      const before = await stored('10')
      assert.deepEqual(outcomes(await keep([issueRow('10'), issueRow('11'), issueRow('12')], at(2))), {
        10: 'unchanged',
        11: 'unchanged',
        12: 'inserted',
      })
      assert.deepEqual(await stored('10'), before)
    })

    test('a change says which properties differ, gone and new ones included, and keeps the issue’s id', async () => {
      const before = issueRow('20', { properties: { hs_pipeline_stage: '1', gone: 'x', same: 'y' } })
      await keep([before], at(1))
      const first = await stored('20')
      const modified_at = '2026-01-01T00:00:05.000Z'
      const now = issueRow('20', {
        modified_at,
        stage_id: '2',
        properties: { hs_pipeline_stage: '2', same: 'y', fresh: null },
      })
      const [row] = await keep([now], at(2))
      assert.deepEqual(row, {
        ticketId: '20',
        outcome: 'changed',
        changed: ['fresh', 'gone', 'hs_lastmodifieddate', 'hs_pipeline_stage'],
      })
      const then = await stored('20')
      assert.equal(then?.stageId, '2')
      assert.equal(then?.issueId, first?.issueId)
      assert.equal(then?.modifiedAt.toISOString(), modified_at)
      assert.deepEqual(then?.properties, now.properties)
    })

    test('an older page kept after a newer one changes nothing', async () => {
      const newer = issueRow('30', { subject: 'new', modified_at: '2026-01-01T00:00:09.000Z' })
      await keep([newer], at(5))
      const older = issueRow('30', { subject: 'old', modified_at: '2026-01-01T00:00:03.000Z' })
      assert.deepEqual(outcomes(await keep([older], at(9))), { 30: 'stale' })
      assert.equal((await stored('30'))?.subject, 'new')
    })

    test('of two forms with one time of change, the one HubSpot gave later wins, whatever order they are kept in', async () => {
      const first = issueRow('40', { subject: 'first' })
      const second = issueRow('40', { subject: 'second' })
      await keep([second], at(8))
      assert.deepEqual(outcomes(await keep([first], at(7))), { 40: 'stale' })
      assert.equal((await stored('40'))?.subject, 'second')
      assert.deepEqual(outcomes(await keep([first], at(9))), { 40: 'changed' })
      assert.equal((await stored('40'))?.subject, 'first')
    })

    test('any order of any versions ends in the newest', async () => {
      const versions = [1, 2, 3, 4].map((n) =>
        issueRow('50', { subject: `v${n}`, modified_at: `2026-01-01T00:00:0${n}.000Z` }),
      )
      for (const order of permutations(versions)) {
        await withTenant(db, A, ({ query }) => query(sql`delete from issues where ticket_id = '50'`))
        for (const row of order) await keep([row], at(1))
        assert.equal((await stored('50'))?.subject, 'v4')
      }
    })

    test('many writers of the same tickets at once report each insert and each change exactly once', async () => {
      const page = (n: number) =>
        [60, 61, 62, 63].map((ticket) =>
          issueRow(String(ticket), { subject: `v${n}`, modified_at: `2026-01-01T00:00:${10 + n}.000Z` }),
        )
      const kept = await Promise.all(
        [...Array(12).keys()].map((n) => keep(n % 2 ? page(n) : page(n).reverse(), at(n))),
      )
      const rows = kept.flat()
      assert.equal(rows.filter(({ outcome }) => outcome === 'inserted').length, 4)
      for (const { outcome, changed } of rows.filter((row) => row.outcome === 'changed')) {
        assert.deepEqual(changed, ['hs_lastmodifieddate', 'subject'], outcome)
      }
      for (const ticket of ['60', '61', '62', '63']) assert.equal((await stored(ticket))?.subject, 'v11')
    })

    test('a bad record, a NUL, half a surrogate pair and a ticket named twice do not stop their page', async () => {
      const record = (id: string, subject: unknown, updatedAt = '2026-01-01T00:00:00Z') => ({
        id,
        properties: { subject },
        updatedAt,
      })
      const records = [
        record('70', 'fine'),
        { id: '71' },
        null,
        record('72', 'a\u0000b\uD800c'),
        record('73', 'old'),
        record('73', 'new', '2026-01-01T00:00:01Z'),
        { ...record('74', 'x'), updatedAt: undefined },
        record('not-a-number', 'x'),
        record('9223372036854775807', 'large id'),
      ]
      const report = await withTenant(db, A, (scope) => ticketKind.keep(scope, id, records, at(1)))
      assert.deepEqual(
        { ...report, rejected: report.rejected.map((one) => one.id) },
        { inserted: 4, changed: 0, unchanged: 0, rejected: ['71', undefined, '74', 'not-a-number'] },
      )
      assert.equal((await stored('72'))?.subject, 'ab\uFFFDc')
      assert.equal((await stored('73'))?.subject, 'new')
      assert.equal((await stored('9223372036854775807'))?.subject, 'large id')
    })

    test('one tenant’s issue cannot be found by another, though the ticket and portal are the same', async () => {
      const mine = await stored('10')
      assert.ok(mine)
      assert.equal(await withTenant(db, B, (scope) => findIssue(scope, mine.issueId)), undefined)
      const theirs = await withTenant(db, B, (scope) => listIssues(scope, { after: undefined, limit: 1_000 }))
      assert.equal(
        theirs.some(({ ticketId }) => ticketId === '10'),
        false,
      )
    })

    test('paging meets each issue once, also while issues change', async () => {
      const all = await withTenant(db, A, (scope) => listIssues(scope, { after: undefined, limit: 1_000 }))
      const met: string[] = []
      let after: string | undefined
      for (let n = 0; ; n++) {
        const page = await withTenant(db, A, (scope) => listIssues(scope, { after, limit: 3 }))
        if (page.length === 0) break
        met.push(...page.map(({ issueId }) => issueId))
        after = page.at(-1)?.issueId
        await keep(
          [issueRow('10', { subject: `again ${n}`, modified_at: `2026-02-01T00:00:${10 + n}.000Z` })],
          at(30),
        )
      }
      assert.deepEqual(
        met,
        all.map(({ issueId }) => issueId),
      )
    })
  })
}

function permutations<T>(items: T[]): T[][] {
  if (items.length < 2) return [items]
  return items.flatMap((item, at) => permutations(items.toSpliced(at, 1)).map((rest) => [item, ...rest]))
}
