/** What the change feed reports and how it is numbered, on both engines. */
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { sql } from 'kysely'
import type { Change, FeedPosition } from '../../src/changes/change.ts'
import {
  decodeFeedPosition,
  encodeFeedPosition,
  feedBeginning,
  feedPositionOf,
} from '../../src/changes/change.ts'
import {
  deleteOldChanges,
  findFeedEnd,
  readOldestChanges as oldestPage,
  readChanges as readPage,
  recordChange,
  redactChanges,
  type SizedChange,
} from '../../src/changes/store.ts'
import type { Database } from '../../src/db/database.ts'
import { type TenantScope, withTenant } from '../../src/db/scope.ts'
import { lockIntegration, setIntegrationStatus } from '../../src/integrations/store.ts'
import { markDeleted } from '../../src/issues/absence-store.ts'
import type { IssueRow } from '../../src/issues/issue.ts'
import { saveMerges, upsertIssues } from '../../src/issues/upsert-store.ts'
import { engines } from '../support/engines.ts'
import { A, B, issueRow, seedTenant } from '../support/rows.ts'

const at = (second: number) => new Date(Date.UTC(2026, 0, 2, 0, 0, second))
const hour = 3_600_000
const readChanges = async (scope: TenantScope, after: FeedPosition, atMost: number) =>
  (await readPage(scope, after, atMost))?.map(unsized)
const readOldest = async (scope: TenantScope, atMost: number) =>
  (await oldestPage(scope, atMost)).map(unsized)
const unsized = ({ upTo: _, ...change }: SizedChange): Change => change

for (const engine of engines) {
  describe(`the change feed on ${engine.name}`, () => {
    let db: Database
    let close: () => Promise<void>
    let id: string
    before(async () => {
      ;({ db, close } = await engine.open())
      id = await seedTenant(db, A)
      await seedTenant(db, B)
      await loaded('now()')
      await save([issueRow('1000'), issueRow('1001')], at(1))
    })
    after(() => close())

    const within = <T>(work: (scope: TenantScope) => Promise<T>) => withTenant(db, A, work)
    const save = (rows: IssueRow[], observedAt: Date) =>
      within(async (scope) => {
        await lockIntegration(scope, id)
        return await upsertIssues(scope, id, rows, observedAt)
      })
    const end = () => within(findFeedEnd)
    /** The changes recorded while `work` ran. */
    async function changesDuring(work: () => Promise<unknown>): Promise<Change[]> {
      const from = await end()
      await work()
      return (await within((scope) => readChanges(scope, from, 1_000))) ?? assert.fail('the feed is missing')
    }
    /** HubSpot’s own time of change differs with every edit. */
    const short = ({ type, ticket_id, detail }: Change) => {
      const { hs_lastmodifieddate: _, ...changed } = (detail?.changed ?? {}) as Record<string, unknown>
      return [type, ticket_id, detail?.changed ? { changed } : detail]
    }
    const loaded = (when: string) =>
      within((scope) => scope.query(sql`update tenant_integrations set loaded_at = ${sql.raw(when)}`))

    test('the first full run reports no created issues; edits during it are reported', async () => {
      await loaded('null')
      assert.deepEqual(
        await changesDuring(() => save([issueRow('10'), issueRow('11', { archived: true })], at(1))),
        [],
      )
      const edited = issueRow('10', { subject: 'edited', modified_at: '2026-01-01T00:00:01.000Z' })
      assert.deepEqual((await changesDuring(() => save([edited], at(2)))).map(short), [
        ['issue.updated', '10', { changed: { subject: { from: 'Subject 10', to: 'edited' } } }],
      ])
      await loaded('now()')
    })

    test('each change of an issue is reported once, with its details', async () => {
      const first = issueRow('20', { properties: { subject: 'a', gone: 'x', same: 'y' } })
      const [created, ...none] = await changesDuring(() => save([first], at(1)))
      assert.ok(created)
      assert.deepEqual(none, [])
      assert.deepEqual(short(created), ['issue.created', '20', null])
      assert.deepEqual([created.issue_id, created.integration_id], [first.issue_id, id])

      assert.deepEqual(await changesDuring(() => save([first], at(2))), [], 'as it was')
      const later = { modified_at: '2026-01-01T00:01:00.000Z' }
      const second = issueRow('20', { ...later, properties: { subject: 'b', come: 'z', same: 'y' } })
      const [updated] = await changesDuring(() => save([second], at(3)))
      assert.deepEqual(updated && short(updated), [
        'issue.updated',
        '20',
        {
          changed: {
            subject: { from: 'a', to: 'b' },
            gone: { from: 'x', to: null },
            come: { from: null, to: 'z' },
          },
        },
      ])
      assert.equal(updated?.issue_id, first.issue_id, 'the id stays')
      assert.deepEqual(await changesDuring(() => save([first], at(4))), [], 'an older one')

      const tombstone = { ...second, archived: true, archived_at: at(5).toISOString() }
      assert.deepEqual((await changesDuring(() => save([tombstone], at(5)))).map(short), [
        ['issue.archived', '20', null],
      ])
      assert.deepEqual(await changesDuring(() => save([tombstone], at(6))), [])
      const other = issueRow('25')
      await save([other], at(1))
      await save([{ ...other, archived: true, archived_at: at(2).toISOString() }], at(2))
      assert.deepEqual(
        await changesDuring(() => within((scope) => markDeleted(scope, id, ['25'], at(3)))),
        [],
        'archived before, deleted permanently now',
      )
      assert.deepEqual((await changesDuring(() => save([second], at(7)))).map(short), [
        ['issue.restored', '20', { changed: {} }],
      ])
      const gone = () => within((scope) => markDeleted(scope, id, ['20'], at(8)))
      assert.deepEqual((await changesDuring(gone)).map(short), [['issue.archived', '20', { deleted: true }]])
      assert.deepEqual(await changesDuring(gone), [])
      const back = issueRow('20', { ...later, modified_at: '2026-01-01T00:02:00.000Z', subject: 'c' })
      const [restored] = await changesDuring(() => save([back], at(9)))
      assert.equal(restored?.type, 'issue.restored')
      assert.deepEqual((restored?.detail?.changed as Record<string, unknown>)?.subject, {
        from: 'b',
        to: 'c',
      })
    })

    test('an edit that is seen together with an archiving is reported with it, and each from is what was reported before', async () => {
      const row = (subject: string, minute: number, more: Partial<IssueRow> = {}) =>
        issueRow('21', { ...more, modified_at: `2026-01-01T00:0${minute}:00.000Z`, properties: { subject } })
      const gone = { archived: true, archived_at: at(2).toISOString() }
      const subject = (from: string, to: string) => ({ changed: { subject: { from, to } } })
      await save([row('a', 0)], at(1))
      assert.deepEqual((await changesDuring(() => save([row('b', 1, gone)], at(3)))).map(short), [
        ['issue.archived', '21', subject('a', 'b')],
      ])
      assert.deepEqual((await changesDuring(() => save([row('c', 2, gone)], at(4)))).map(short), [
        ['issue.updated', '21', subject('b', 'c')],
      ])
      await within((scope) => markDeleted(scope, id, ['21'], at(5)))
      // In the recycle bin after all.
      assert.deepEqual((await changesDuring(() => save([row('d', 3, gone)], at(6)))).map(short), [
        ['issue.updated', '21', subject('c', 'd')],
      ])
      assert.deepEqual((await changesDuring(() => save([row('d', 3)], at(7)))).map(short), [
        ['issue.restored', '21', { changed: {} }],
      ])
    })

    test('of a ticket that was never live here nothing is reported until it is', async () => {
      const gone = issueRow('22', { archived: true, archived_at: at(1).toISOString() })
      const edited = {
        ...gone,
        properties: { ...gone.properties, subject: 'edited' },
        modified_at: '2026-01-01T00:01:00.000Z',
      }
      assert.deepEqual(await changesDuring(() => save([gone], at(1))), [])
      assert.deepEqual(await changesDuring(() => save([edited], at(2))), [])
      assert.deepEqual(
        await changesDuring(() => within((scope) => markDeleted(scope, id, ['22'], at(3)))),
        [],
      )
      const live = { ...edited, archived: false, archived_at: null }
      assert.deepEqual((await changesDuring(() => save([live], at(4)))).map(short), [
        ['issue.created', '22', null],
      ])
      const again = {
        ...live,
        properties: { ...live.properties, subject: 'again' },
        modified_at: '2026-01-01T00:02:00.000Z',
      }
      assert.deepEqual((await changesDuring(() => save([{ ...again, archived: true }], at(5)))).map(short), [
        ['issue.archived', '22', { changed: { subject: { from: 'edited', to: 'again' } } }],
      ])
      assert.deepEqual((await changesDuring(() => save([again], at(6)))).map(short), [
        ['issue.restored', '22', { changed: {} }],
      ])
    })

    test('a merge is reported for the loser that was live, by the first writer', async () => {
      await save([issueRow('30'), issueRow('31')], at(1))
      const merge = (losers: string[]) =>
        within((scope) =>
          saveMerges(
            scope,
            id,
            losers.map((loser) => ({ loser, survivor: '39' })),
            at(2),
          ),
        )
      assert.deepEqual((await changesDuring(() => merge(['30', '404']))).map(short), [
        ['issue.merged', '30', { merged_into: '39' }],
      ])
      assert.deepEqual(await changesDuring(() => merge(['30'])), [])
      assert.deepEqual(
        await changesDuring(() => save([issueRow('30')], at(3))),
        [],
        'shown once more it is still a tombstone',
      )
      // Archived before it was known where it went; and its survivor was merged in turn.
      await save([{ ...issueRow('31'), archived: true }], at(4))
      assert.deepEqual((await changesDuring(() => merge(['31']))).map(short), [
        ['issue.merged', '31', { merged_into: '39', was_merged_into: null }],
      ])
      const again = () =>
        within((scope) =>
          saveMerges(
            scope,
            id,
            ['30', '31', '405'].map((loser) => ({ loser, survivor: '390' })),
            at(5),
          ),
        )
      assert.deepEqual((await changesDuring(again)).map(short).sort(), [
        ['issue.merged', '30', { merged_into: '390', was_merged_into: '39' }],
        ['issue.merged', '31', { merged_into: '390', was_merged_into: '39' }],
      ])
      assert.deepEqual(await changesDuring(again), [])
    })

    test('changes of an integration and of its runs are reported', async () => {
      const changes = await changesDuring(() =>
        within(async (scope) => {
          await setIntegrationStatus(scope, id, 'degraded', 'x')
          await setIntegrationStatus(scope, id, 'reauth_required', 'token_invalid')
          await setIntegrationStatus(scope, id, 'reauth_required', 'token_invalid')
          await recordChange(scope, 'sync.completed', id, { state: 'partial' })
          await setIntegrationStatus(scope, id, 'active', null)
        }),
      )
      assert.deepEqual(changes.map(short), [
        ['integration.reauth_required', null, { reason: 'token_invalid' }],
        ['sync.completed', null, { state: 'partial' }],
      ])
    })

    test('numbers have no gaps, even after a rollback, and each tenant has its own', async () => {
      const before = await end()
      await assert.rejects(
        within(async (scope) => {
          await recordChange(scope, 'sync.failed', id, {})
          throw new Error('rolled back')
        }),
        /rolled back/,
      )
      await changesDuring(() =>
        save(
          Array.from({ length: 50 }, (_, n) => issueRow(String(4_000 + n))),
          at(1),
        ),
      )
      const changes = (await within((scope) => readChanges(scope, before, 1_000))) ?? []
      assert.deepEqual(
        changes.map(({ seq }) => seq),
        Array.from({ length: 50 }, (_, n) => before.seq + 1 + n),
      )
      const all = await within((scope) => readOldest(scope, 10_000))
      assert.deepEqual(
        all.map(({ seq }) => seq),
        all.map((_, n) => n + 1),
      )
      assert.equal(new Set(all.map(({ change_id }) => change_id)).size, all.length)
      assert.deepEqual(
        (await withTenant(db, B, (scope) => readOldest(scope, 10))).map(({ seq, type }) => [seq, type]),
        [
          [1, 'integration.connected'],
          [2, 'sync.failed'],
        ],
      )
    })

    test('a cursor names its tenant and position, and nothing else is accepted as one', async () => {
      const position = await end()
      const cursor = encodeFeedPosition(A, position)
      assert.deepEqual(decodeFeedPosition(A, cursor), position)
      assert.deepEqual(decodeFeedPosition(A, encodeFeedPosition(A, feedBeginning)), feedBeginning)
      for (const text of [
        encodeFeedPosition(B, position),
        ...['1.', '0.abcdef01', '01.abcdef01', '-1.abcdef01', '1.abcdef0g', '1', 'x', '9'.repeat(16)].map(
          (odd) => Buffer.from(JSON.stringify([A, odd])).toString('base64url'),
        ),
      ])
        assert.throws(() => decodeFeedPosition(A, text), { code: 'invalid_cursor' })
    })

    test('retention deletes the oldest, never the newest; a reader that was behind gets an error', async () => {
      const [first, second] = await within((scope) => readOldest(scope, 2))
      assert.ok(first && second)
      await within((scope) =>
        scope.query(sql`update changes set at = now() - interval '2 hours' where seq <= ${second.seq}`),
      )
      assert.equal(await within((scope) => deleteOldChanges(scope, 3 * hour, 1_000)), 0)
      assert.equal(await within((scope) => deleteOldChanges(scope, hour, 1)), 1)
      const read = (after: FeedPosition) => within((scope) => readChanges(scope, after, 1))
      assert.equal((await read(feedPositionOf(second)))?.length, 1)
      assert.equal(await read(feedPositionOf(first)), undefined)
      assert.equal(await read(feedBeginning), undefined)
      await within((scope) => scope.query(sql`update changes set at = now() - interval '2 hours'`))
      const last = await end()
      while ((await within((scope) => deleteOldChanges(scope, hour, 1_000))) > 0);
      assert.deepEqual(await end(), last)
      assert.deepEqual(await read(last), [], 'a reader at the end has missed nothing')
    })

    test('a reader at the end keeps its position, also when a change follows after a long silence', async () => {
      await within((scope) => scope.query(sql`update changes set at = now() - interval '2 hours'`))
      const last = await end()
      await save([issueRow('60')], at(1))
      while ((await within((scope) => deleteOldChanges(scope, hour, 1_000))) > 0);
      assert.deepEqual((await within((scope) => readChanges(scope, last, 10)))?.map(short), [
        ['issue.created', '60', null],
      ])
    })

    test('a new HubSpot property without a value is not a change', async () => {
      const plain = issueRow('61', { properties: { subject: 'x' } })
      await save([plain], at(1))
      const more = { ...plain, properties: { ...plain.properties, brand_new: null } }
      assert.deepEqual(await changesDuring(() => save([more], at(2))), [])
      const [row] = await within((scope) =>
        scope.query(sql<{ there: boolean }>`
          select properties ? 'brand_new' as there from issues where ticket_id = '61'`),
      )
      assert.equal(row?.there, true)
    })

    test('a page reports the size of its changes, opens none beyond the byte budget, and looks up one more after them', async () => {
      const from = await end()
      const long = 3 * 2 ** 20
      for (let n = 0; n < 4; n++)
        await within((scope) => recordChange(scope, 'sync.completed', id, { long: 'x'.repeat(long) }))
      const page = (await within((scope) => readPage(scope, from, 100, 2.5 * long))) ?? []
      assert.deepEqual(
        page.map(({ upTo, detail }) => [
          Math.floor(upTo / long),
          (detail?.long as string | undefined)?.length,
        ]),
        [
          [1, long],
          [2, long],
          [3, undefined],
        ],
      )
    })

    test('after a restore from a backup, a cursor from after the backup is refused, whatever was written since', async () => {
      const backup = await end()
      const lost = await changesDuring(() => save([issueRow('70'), issueRow('71')], at(1)))
      const cursors = lost.map(feedPositionOf)
      // As the backup had it.
      await within(async (scope) => {
        await scope.query(sql`delete from changes where seq > ${backup.seq}`)
        await scope.query(sql`update change_counters set last_seq = ${backup.seq}`)
        await scope.query(sql`delete from issues where ticket_id in ('70', '71')`)
      })
      for (const cursor of cursors)
        assert.equal(await within((scope) => readChanges(scope, cursor, 10)), undefined)
      const again = await changesDuring(() => save([issueRow('70'), issueRow('71'), issueRow('72')], at(1)))
      const numbers = again.map(({ seq }) => seq)
      for (const cursor of cursors) {
        assert.ok(numbers.includes(cursor.seq), 'the number is used again')
        assert.equal(await within((scope) => readChanges(scope, cursor, 10)), undefined)
      }
      assert.equal((await within((scope) => readChanges(scope, backup, 10)))?.length, 3)
    })

    test('a purge removes every value of the integration’s issues, and readers continue where they were', async () => {
      const from = await end()
      await save([issueRow('80', { subject: 'a secret of theirs' })], at(1))
      const middle = await end()
      await save([issueRow('80', { subject: 'another', modified_at: '2026-01-01T00:01:00.000Z' })], at(2))
      for (let beyond: number | undefined = 0; beyond !== undefined; ) {
        const window: number = beyond
        beyond = await within((scope) => redactChanges(scope, id, window, 2))
      }
      const rows = await within((scope) => scope.query(sql`select changes::text as all from changes`))
      assert.ok(rows.length > 2)
      assert.doesNotMatch(JSON.stringify(rows), /secret of theirs|another/)
      const shown = (await within((scope) => readChanges(scope, from, 10))) ?? []
      assert.deepEqual(
        shown.map(({ type, issue_id, ticket_id, detail }) => [type, issue_id, ticket_id, detail]),
        [
          ['issue.created', null, null, null],
          ['issue.updated', null, null, null],
        ],
      )
      assert.equal((await within((scope) => readChanges(scope, middle, 10)))?.length, 1)
    })
  })
}
