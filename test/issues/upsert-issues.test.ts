/** The upsert, on both engines: newer wins, the same writes nothing, and it returns an outcome per row. */
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { sql } from 'kysely'
import type { Database } from '../../src/db/database.ts'
import { withTenant } from '../../src/db/scope.ts'
import { lockIntegration } from '../../src/integrations/store.ts'
import { findAbsent } from '../../src/issues/absence-store.ts'
import type { IssueRow } from '../../src/issues/issue.ts'
import { listProblems } from '../../src/issues/problem-store.ts'
import { findIssue, listIntegrationIssues, listIssues } from '../../src/issues/store.ts'
import { ticketKind } from '../../src/issues/ticket-kind.ts'
import {
  findOutdated,
  type ReadSource,
  type UpsertedRow,
  upsertIssues,
} from '../../src/issues/upsert-store.ts'
import { bothEngines } from '../support/engines.ts'
import { long } from '../support/long.ts'
import { A, B, issueRow, seedTenant } from '../support/rows.ts'

const at = (second: number) => new Date(Date.UTC(2026, 0, 2, 0, 0, second))
const outcomes = (saved: UpsertedRow[]) =>
  Object.fromEntries(saved.map((row) => [row.ticket_id, row.outcome]))

for (const engine of bothEngines) {
  describe(`storing issues on ${engine.name}`, () => {
    let db: Database
    let close: () => Promise<void>
    let id: string
    // PGlite takes several times as long for a statement: it gets the orders of three instead of four.
    const several = long || engine.name === 'PostgreSQL' ? [1, 2, 3, 4] : [2, 3, 4]
    before(async () => {
      ;({ db, close } = await engine.open())
      id = await seedTenant(db, A)
      await seedTenant(db, B)
    })
    after(() => close())

    const upsert = (
      rows: IssueRow[],
      observedAt: Date,
      source: ReadSource = 'read',
      readTime: string[] = [],
    ) =>
      withTenant(db, A, async (scope) => {
        await lockIntegration(scope, id)
        return await upsertIssues(scope, id, rows, observedAt, source, readTime)
      })
    const stored = async (ticketId: string) =>
      (
        await withTenant(db, A, (scope) =>
          listIntegrationIssues(scope, { integrationId: id, after: undefined, limit: 1_000 }),
        )
      ).find((issue) => issue.ticket_id === ticketId)

    test('a new ticket is inserted; read again unchanged it writes nothing', async () => {
      assert.deepEqual(outcomes(await upsert([issueRow('10'), issueRow('11')], at(1))), {
        10: 'inserted',
        11: 'inserted',
      })
      const before = await stored('10')
      assert.deepEqual(outcomes(await upsert([issueRow('10'), issueRow('11'), issueRow('12')], at(2))), {
        10: 'unchanged',
        11: 'unchanged',
        12: 'inserted',
      })
      assert.deepEqual(await stored('10'), before)
    })

    test('a change names the properties that differ, including removed and new ones, and the issue’s id stays the same', async () => {
      const before = issueRow('20', { properties: { hs_pipeline_stage: '1', gone: 'x', same: 'y' } })
      await upsert([before], at(1))
      const first = await stored('20')
      const modified_at = '2026-01-01T00:00:05.000Z'
      const now = issueRow('20', {
        modified_at,
        properties: { hs_pipeline_stage: '2', same: 'y', fresh: 'z', empty: null },
      })
      const [row] = await upsert([now], at(2))
      assert.deepEqual(row, {
        ticket_id: '20',
        outcome: 'changed',
        changed: ['fresh', 'gone', 'hs_lastmodifieddate', 'hs_pipeline_stage'],
      })
      const then = await stored('20')
      assert.equal(then?.stage_id, '2')
      assert.equal(then?.issue_id, first?.issue_id)
      assert.equal(then?.modified_at?.toISOString(), modified_at)
      assert.deepEqual(then?.properties, now.properties)
    })

    describe('a property that HubSpot computes on read', () => {
      const readTime = ['hs_time_in_1', 'hs_time_in_2']
      const first = { subject: 'a', hs_time_in_1: '1000', hs_time_in_2: null }
      const save = (
        properties: IssueRow['properties'],
        second: number,
        more: Partial<IssueRow> = {},
        source?: ReadSource,
      ) => upsert([issueRow('25', { ...more, properties })], at(second), source, readTime)
      const stillHas = async (name: string) => (await stored('25'))?.properties[name]

      test('is stored, and a read that differs in it alone writes nothing, by list or by search', async () => {
        assert.deepEqual(outcomes(await save(first, 1)), { 25: 'inserted' })
        assert.deepEqual(await save({ ...first, hs_time_in_1: '2000' }, 2), [
          { ticket_id: '25', outcome: 'unchanged', changed: [] },
        ])
        assert.deepEqual(outcomes(await save({ ...first, hs_time_in_1: '9000' }, 9, {}, 'search')), {
          25: 'unchanged',
        })
        assert.equal(await stillHas('hs_time_in_1'), '1000')
        // Not even for an older response: no relevant property differs.
        assert.deepEqual(outcomes(await save({ ...first, hs_time_in_1: '1' }, 1)), { 25: 'unchanged' })
      })

      test('is written with an edit of another property, and is in no list of changed properties', async () => {
        const edited = { subject: 'b', hs_time_in_1: '3000', hs_time_in_2: null }
        const [row] = await save(edited, 10, { modified_at: '2026-01-01T00:00:05.000Z' })
        assert.deepEqual([row?.outcome, row?.changed], ['changed', ['hs_lastmodifieddate', 'subject']])
        assert.equal(await stillHas('hs_time_in_1'), '3000')
      })

      test('retains its value when a search returns none, and gets its first value from the next list', async () => {
        const later = { modified_at: '2026-01-01T00:00:06.000Z' }
        const bare = { subject: 'c', hs_time_in_1: null, hs_time_in_2: null }
        assert.deepEqual(outcomes(await save(bare, 20, later, 'search')), { 25: 'changed' })
        assert.equal(await stillHas('hs_time_in_1'), '3000')
        const full = { ...bare, hs_time_in_1: '4000', hs_time_in_2: '7' }
        assert.deepEqual(outcomes(await save(full, 21, later)), { 25: 'unchanged' })
        assert.deepEqual([await stillHas('hs_time_in_1'), await stillHas('hs_time_in_2')], ['4000', '7'])
        assert.deepEqual(outcomes(await save({ ...full, hs_time_in_1: '5000' }, 22, later)), {
          25: 'unchanged',
        })
        assert.equal(await stillHas('hs_time_in_1'), '4000')
      })
    })

    test('a cleared value is one change, however a response shows that there is none', async () => {
      await upsert([issueRow('26', { properties: { category: 'A', never: null } })], at(1))
      const modified_at = '2026-01-01T00:00:05.000Z'
      const cleared = (properties: IssueRow['properties']) => issueRow('26', { modified_at, properties })
      const [row] = await upsert([cleared({ category: null, never: '' })], at(2), 'search')
      assert.deepEqual(row?.changed, ['category', 'hs_lastmodifieddate'])
      for (const [n, properties] of [
        { category: '', never: null },
        {},
        { category: null },
        { category: '', never: '' },
      ].entries())
        for (const source of ['read', 'search'] as const)
          assert.deepEqual(outcomes(await upsert([cleared(properties)], at(10 + n), source)), {
            26: 'unchanged',
          })
    })

    test('the start of 1970 is no time: it means unknown at HubSpot', async () => {
      const epoch = '1970-01-01T00:00:00Z'
      const records = [
        {
          id: '27',
          properties: { createdate: '', hs_lastmodifieddate: '2026-01-01T00:00:00Z' },
          createdAt: epoch,
        },
        {
          id: '28',
          properties: { createdate: epoch, hs_lastmodifieddate: null, subject: 'a' },
          createdAt: epoch,
          updatedAt: epoch,
        },
        { id: '29', properties: { createdate: '0', hs_lastmodifieddate: '0' } },
      ]
      const save = (given: unknown[], second: number) =>
        withTenant(db, A, (scope) => ticketKind.upsert(scope, id, given, at(second), 'read'))
      assert.deepEqual((await save(records, 1)).rejected, [])
      for (const ticket of ['27', '28', '29']) assert.equal((await stored(ticket))?.created_at, null)
      assert.equal((await stored('27'))?.modified_at?.toISOString(), '2026-01-01T00:00:00.000Z')
      assert.deepEqual([(await stored('28'))?.modified_at, (await stored('29'))?.modified_at], [null, null])
      // Without a time of change the later read wins, and a row with a time counts as newer.
      const edited = { ...records[1], properties: { ...records[1]?.properties, subject: 'b' } }
      assert.equal((await save([edited], 3)).changed, 1)
      assert.equal((await save([records[1]], 2)).changed, 0)
      assert.equal(
        (await save([{ ...edited, updatedAt: '2026-01-01T00:00:00Z', properties: { subject: 'c' } }], 2))
          .changed,
        1,
      )
      assert.equal((await stored('28'))?.subject, 'c')
    })

    test('a text that begins with U+FEFF stays whole, in columns and in values', async () => {
      const text = '\uFEFFa \uFEFF b'
      await upsert([issueRow('24', { subject: text, properties: { [text]: text, only: '\uFEFF' } })], at(1))
      const saved = await stored('24')
      assert.equal(saved?.subject, text)
      assert.deepEqual([saved?.properties[text], saved?.properties.only], [text, '\uFEFF'])
      const edited = { subject: `${text}!`, properties: { [text]: null } }
      const [row] = await upsert(
        [issueRow('24', { ...edited, modified_at: '2026-01-01T00:00:05.000Z' })],
        at(2),
      )
      assert.ok(row?.changed.includes(text))
      const [found] = await withTenant(db, A, ({ query }) =>
        query(
          sql<{
            one: string
            array: string[]
            error: string
          }>`select ${text}::text as one, array[${text}] as array`,
        ),
      )
      assert.deepEqual(found, { one: text, array: [text] })
      // Also after a statement that failed.
      await assert.rejects(withTenant(db, A, ({ query }) => query(sql`select 1 / 0`)))
      assert.equal((await stored('24'))?.subject, `${text}!`)
    })

    test('an older page stored after a newer one changes nothing', async () => {
      const newer = issueRow('30', { subject: 'new', modified_at: '2026-01-01T00:00:09.000Z' })
      await upsert([newer], at(5))
      const older = issueRow('30', { subject: 'old', modified_at: '2026-01-01T00:00:03.000Z' })
      assert.deepEqual(outcomes(await upsert([older], at(9))), { 30: 'stale' })
      assert.equal((await stored('30'))?.subject, 'new')
    })

    test('of two versions with the same time of change, the one HubSpot returned later wins, in any order of writes', async () => {
      const first = issueRow('40', { subject: 'first' })
      const second = issueRow('40', { subject: 'second' })
      await upsert([second], at(8))
      assert.deepEqual(outcomes(await upsert([first], at(7))), { 40: 'stale' })
      assert.deepEqual(outcomes(await upsert([first], at(8))), { 40: 'unverified' })
      assert.equal((await stored('40'))?.subject, 'second')
      assert.deepEqual(outcomes(await upsert([first], at(9))), { 40: 'changed' })
      assert.equal((await stored('40'))?.subject, 'first')
    })

    test('any order of any versions ends in the newest', async () => {
      const versions = several.map((n) =>
        issueRow('50', { subject: `v${n}`, modified_at: `2026-01-01T00:00:0${n}.000Z` }),
      )
      for (const order of permutations(versions)) {
        await withTenant(db, A, ({ query }) => query(sql`delete from issues where ticket_id = '50'`))
        for (const row of order) await upsert([row], at(1))
        assert.equal((await stored('50'))?.subject, 'v4')
      }
    })

    test('many writers of the same tickets at once report each insert and each change exactly once', async () => {
      const page = (n: number) =>
        [60, 61, 62, 63].map((ticket) =>
          issueRow(String(ticket), { subject: `v${n}`, modified_at: `2026-01-01T00:00:${10 + n}.000Z` }),
        )
      const saved = await Promise.all(
        [...Array(12).keys()].map((n) => upsert(n % 2 ? page(n) : page(n).reverse(), at(n))),
      )
      const rows = saved.flat()
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
      const report = await withTenant(db, A, (scope) => ticketKind.upsert(scope, id, records, at(1), 'read'))
      assert.deepEqual(
        { ...report, rejected: report.rejected.map((one) => one.id) },
        {
          inserted: 4,
          changed: 0,
          archived: 0,
          unchanged: 0,
          repaired: 1,
          rejected: ['71', undefined, '74', 'not-a-number'],
          unverified: [],
          merged: [],
          touched: ['70', '72', '73', '9223372036854775807'],
          arrived: ['70', '72', '73', '9223372036854775807'],
          newestAt: undefined,
        },
      )
      assert.equal((await stored('72'))?.subject, 'ab\uFFFDc')
      // '3' is there from the beginning: every tenant of these tests has something in every table.
      const problems = await withTenant(db, A, (scope) =>
        listProblems(scope, id, { after: undefined, limit: 10 }),
      )
      assert.deepEqual(
        problems.map(({ record_id, state }) => `${record_id.replace(/[0-9a-f]{16}$/, '…')} ${state}`).sort(),
        [
          '3 quarantined',
          '71 quarantined',
          '72 repaired',
          '74 quarantined',
          'not-a-number quarantined',
          'unknown-… quarantined',
        ],
      )
      // A record that is whole again has no problem any more.
      await withTenant(db, A, (scope) =>
        ticketKind.upsert(
          scope,
          id,
          [record('72', 'abc', '2026-01-01T00:00:09Z'), record('71', 'x')],
          at(2),
          'read',
        ),
      )
      const left = await withTenant(db, A, (scope) =>
        listProblems(scope, id, { after: undefined, limit: 10 }),
      )
      assert.deepEqual(left.map(({ record_id }) => record_id.slice(0, 3)).sort(), ['3', '74', 'not', 'unk'])
      assert.equal((await stored('73'))?.subject, 'new')
      assert.equal((await stored('9223372036854775807'))?.subject, 'large id')
    })

    test('the same bad record twice, and one that is cut in the middle of a character, stop no other row', async () => {
      const bad = { id: '77', properties: null, note: `${'x'.repeat(19_970)}${'😀'.repeat(40)}` }
      const records = [bad, bad, { id: 'y'.repeat(63).concat('😀'), properties: {} }, null]
      const fine = { id: '78', properties: { subject: 'fine' }, updatedAt: '2026-01-01T00:00:00Z' }
      const report = await withTenant(db, A, (scope) =>
        ticketKind.upsert(scope, id, [...records, fine], at(1), 'read'),
      )
      assert.deepEqual([report.inserted, report.rejected.length], [1, 4])
    })

    test('a write by search does not reset the time of a later read', async () => {
      await upsert([issueRow('96')], at(20))
      const edited = issueRow('96', { subject: 'edited', modified_at: '2026-01-01T00:00:02.000Z' })
      assert.deepEqual(outcomes(await upsert([edited], at(10), 'search')), { 96: 'changed' })
      const { absent } = await withTenant(db, A, (scope) => findAbsent(scope, id, at(15), '95', 100))
      assert.equal(absent.includes('96'), false)
    })

    describe('a tombstone', () => {
      const gone = (ticketId: string) => issueRow(ticketId, { archived: true })
      const live = (ticketId: string) => issueRow(ticketId)

      test('is set by a later read, though archiving did not change the time of change, and removed by a later one', async () => {
        await upsert([live('80')], at(1))
        assert.deepEqual(outcomes(await upsert([gone('80')], at(3))), { 80: 'archived' })
        assert.equal((await stored('80'))?.archived, true)
        assert.deepEqual(outcomes(await upsert([live('80')], at(4))), { 80: 'restored' })
        assert.deepEqual([(await stored('80'))?.archived, (await stored('80'))?.archived_at], [false, null])
      })

      test('is not removed by a page that was fetched before it, or in the same second, and stored after it', async () => {
        await upsert([live('81')], at(1))
        await upsert([gone('81')], at(3))
        assert.deepEqual(outcomes(await upsert([live('81')], at(2))), { 81: 'stale' })
        // HubSpot's Date cannot order two responses within one second: a read by id must decide.
        assert.deepEqual(outcomes(await upsert([live('81')], at(3))), { 81: 'unverified' })
        const edited = issueRow('81', { subject: 'edited', modified_at: '2026-01-01T00:00:02.500Z' })
        assert.deepEqual(outcomes(await upsert([edited], at(2))), { 81: 'stale' })
        assert.equal((await stored('81'))?.archived, true)
      })

      test('in the same second as a read of the live ticket needs verification, even if that read wrote nothing', async () => {
        await upsert([live('78')], at(3))
        assert.deepEqual(outcomes(await upsert([gone('78')], at(3))), { 78: 'unverified' })
        assert.deepEqual(outcomes(await upsert([live('78')], at(5))), { 78: 'unchanged' })
        assert.deepEqual(outcomes(await upsert([gone('78')], at(5))), { 78: 'unverified' })
        assert.equal((await stored('78'))?.archived, false)
        assert.deepEqual(outcomes(await upsert([gone('78')], at(6))), { 78: 'archived' })
      })

      test('is never removed by a search, which a read must verify; and never overwrites a newer read', async () => {
        await upsert([gone('82')], at(3))
        assert.deepEqual(outcomes(await upsert([live('82')], at(9), 'search')), { 82: 'unverified' })
        await upsert([live('83')], at(1))
        // Read again, the same: nothing is written to the issue, but it was seen.
        assert.deepEqual(outcomes(await upsert([live('83')], at(6))), { 83: 'unchanged' })
        assert.deepEqual(outcomes(await upsert([gone('83')], at(5))), { 83: 'stale' })
        assert.deepEqual(outcomes(await upsert([gone('83')], at(7))), { 83: 'archived' })
      })

      test('in any order of live and archived reads the latest is what stays', async () => {
        const reads = several.map((n) => ({ n, archived: n % 2 === 0 }))
        for (const order of permutations(reads)) {
          await withTenant(db, A, ({ query }) => query(sql`delete from issues where ticket_id = '84'`))
          await withTenant(db, A, ({ query }) =>
            query(sql`delete from issue_last_seen where ticket_id = '84'`),
          )
          for (const { n, archived } of order) await upsert([issueRow('84', { archived })], at(n))
          assert.equal((await stored('84'))?.archived, true, order.map(({ n }) => n).join())
        }
      })
    })

    test('a search result with other content and the same time of change needs verification, a newer one is accepted', async () => {
      await upsert([issueRow('85', { subject: 'by list' })], at(5))
      assert.deepEqual(outcomes(await upsert([issueRow('85', { subject: 'other' })], at(9), 'search')), {
        85: 'unverified',
      })
      assert.deepEqual(outcomes(await upsert([issueRow('85', { subject: 'other' })], at(4), 'search')), {
        85: 'stale',
      })
      const newer = issueRow('85', { subject: 'newer', modified_at: '2026-01-01T00:00:01.000Z' })
      assert.deepEqual(outcomes(await upsert([newer], at(4), 'search')), { 85: 'changed' })
    })

    test('a survivor archives its losers, in any order of arrival, and nothing restores them', async () => {
      const survivor = {
        id: '900',
        properties: { subject: 'both', hs_merged_object_ids: '90; 91' },
        updatedAt: '2026-01-02T00:00:00Z',
      }
      await upsert([issueRow('90')], at(1))
      const report = await withTenant(db, A, (scope) =>
        ticketKind.upsert(scope, id, [survivor], at(2), 'search'),
      )
      assert.deepEqual({ inserted: report.inserted, archived: report.archived }, { inserted: 1, archived: 1 })
      assert.deepEqual(outcomes(await upsert([issueRow('91')], at(9))), { 91: 'archived' })
      for (const loser of ['90', '91']) {
        await upsert([issueRow(loser, { subject: 'late', modified_at: '2026-03-01T00:00:00.000Z' })], at(40))
        const saved = await stored(loser)
        assert.deepEqual([saved?.archived, saved?.merged_into], [true, '900'])
      }
      // Merged again: the newest survivor has them.
      const next = { ...survivor, id: '1000', properties: { hs_merged_object_ids: '900;90;91' } }
      await withTenant(db, A, (scope) => ticketKind.upsert(scope, id, [next], at(50), 'read'))
      await withTenant(db, A, (scope) => ticketKind.upsert(scope, id, [survivor], at(51), 'read'))
      for (const loser of ['90', '91', '900']) assert.equal((await stored(loser))?.merged_into, '1000')
      assert.equal((await stored('900'))?.archived, true)
    })

    test('of a search with only ids and times, only the outdated ones are read', async () => {
      await upsert([issueRow('86'), issueRow('87'), issueRow('88')], at(5))
      await upsert([issueRow('89', { archived: true })], at(5))
      // Read in the second in which it changed: a second edit in that millisecond may have come after.
      await upsert([issueRow('95', { modified_at: '2026-01-02T00:00:04.900Z' })], at(5))
      const hits = [
        ...['86', '87', '89', '94'].map((ticket) => ({ id: ticket, modifiedAt: '2026-01-01T00:00:00.000Z' })),
        { id: '88', modifiedAt: '2026-01-01T00:00:00.001Z' },
        { id: '95', modifiedAt: '2026-01-02T00:00:04.900Z' },
      ]
      const ask = (asOf: Date) => withTenant(db, A, (scope) => findOutdated(scope, id, hits, asOf))
      assert.deepEqual((await ask(at(9))).sort(), ['88', '89', '94', '95'])
      assert.deepEqual((await ask(at(4))).sort(), ['88', '94', '95'])
    })

    test('one tenant’s issue cannot be found by another, though the ticket and portal are the same', async () => {
      const mine = await stored('10')
      assert.ok(mine)
      assert.equal(await withTenant(db, B, (scope) => findIssue(scope, mine.issue_id)), undefined)
      const theirs = await withTenant(db, B, (scope) => listIssues(scope, { after: undefined, limit: 1_000 }))
      assert.equal(
        theirs.some(({ ticket_id }) => ticket_id === '10'),
        false,
      )
    })

    test('paging returns each issue once, even while issues change', async () => {
      const all = await withTenant(db, A, (scope) => listIssues(scope, { after: undefined, limit: 1_000 }))
      const met: string[] = []
      let after: string | undefined
      for (let n = 0; ; n++) {
        const page = await withTenant(db, A, (scope) => listIssues(scope, { after, limit: 3 }))
        if (page.length === 0) break
        met.push(...page.map(({ issue_id: issueId }) => issueId))
        after = page.at(-1)?.issue_id
        await upsert(
          [issueRow('10', { subject: `again ${n}`, modified_at: `2026-02-01T00:00:${10 + n}.000Z` })],
          at(30),
        )
      }
      assert.deepEqual(
        met,
        all.map(({ issue_id: issueId }) => issueId),
      )
    })
  })
}

function permutations<T>(items: T[]): T[][] {
  if (items.length < 2) return [items]
  return items.flatMap((item, at) => permutations(items.toSpliced(at, 1)).map((rest) => [item, ...rest]))
}
