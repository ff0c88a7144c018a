/** The issue as of a change: what it contains, when it cannot be determined, and how much is read for it. */
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { sql } from 'kysely'
import { feedBeginning } from '../../src/changes/change.ts'
import { deleteOldChanges, readChanges, redactChanges } from '../../src/changes/store.ts'
import type { Database } from '../../src/db/database.ts'
import { type TenantScope, withTenant } from '../../src/db/scope.ts'
import type { TenantId } from '../../src/db/tenant-id.ts'
import { lockIntegration } from '../../src/integrations/store.ts'
import { markDeleted } from '../../src/issues/absence-store.ts'
import { saveAssociations } from '../../src/issues/association-store.ts'
import type { IssueRow } from '../../src/issues/issue.ts'
import { saveLabels } from '../../src/issues/label-store.ts'
import { presentIssue } from '../../src/issues/present-issue.ts'
import { issue as issueSchema } from '../../src/issues/schema.ts'
import { deleteIssueBatch, findIssue } from '../../src/issues/store.ts'
import { deleteOldTombstones } from '../../src/issues/tombstone-retention-store.ts'
import { saveMerges, upsertIssues } from '../../src/issues/upsert-store.ts'
import { maxLaterBytes, maxLaterChanges, readIssueVersions } from '../../src/issues/version-store.ts'
import { engines } from '../support/engines.ts'
import { A, B, issueRow, seedTenant } from '../support/rows.ts'

const at = (second: number) => new Date(Date.UTC(2026, 0, 2) + second * 1_000)

for (const engine of engines)
  describe(`issues as of changes on ${engine.name}`, () => {
    let db: Database
    let close: () => Promise<void>
    const integrations = new Map<TenantId, string>()
    let second = 1
    before(async () => {
      ;({ db, close } = await engine.open())
      for (const tenant of [A, B]) {
        integrations.set(tenant, await seedTenant(db, tenant))
        await withTenant(db, tenant, ({ query }) =>
          query(sql`update tenant_integrations set loaded_at = now()`),
        )
      }
    })
    after(() => close())

    const idOf = (tenant: TenantId) => integrations.get(tenant) ?? assert.fail(tenant)
    const within = <T>(work: (scope: TenantScope) => Promise<T>, tenant = A) => withTenant(db, tenant, work)
    const save = (over: Partial<IssueRow> & { ticket_id: string }, tenant = A) =>
      within(async (scope) => {
        await lockIntegration(scope, idOf(tenant))
        second += 1
        const { ticket_id, properties, ...rest } = over
        const row = issueRow(ticket_id, {
          modified_at: at(second).toISOString(),
          ...rest,
          properties: properties ?? {},
        })
        await upsertIssues(scope, idOf(tenant), [row], at(second))
      }, tenant)
    /** The changes of a ticket. */
    const changesOf = async (ticketId: string, tenant = A) =>
      ((await within((scope) => readChanges(scope, feedBeginning, 10_000), tenant)) ?? []).filter(
        ({ ticket_id }) => ticket_id === ticketId,
      )
    const asked = (changes: Awaited<ReturnType<typeof changesOf>>) =>
      changes.map(({ seq, issue_id }) => ({ seq, issueId: issue_id ?? '', upTo: 0 }))
    const versions = async (
      changes: Awaited<ReturnType<typeof changesOf>>,
      limits: { bytes: number; ofOne?: number } = { bytes: 2 ** 30 },
    ) => await within((scope) => readIssueVersions(scope, asked(changes), limits))
    const pick = (read: Awaited<ReturnType<typeof versions>>, ...names: string[]) =>
      read.map(({ issue }) => names.map((name) => issue?.[name]))

    test('the newest version is what issues.get shows; an older one has its own values, and the names of its own ids', async () => {
      const label = { topic: 'stage', parent: '0', email: null, archived: false } as const
      await within((scope) =>
        saveLabels(
          scope,
          idOf(A),
          ['stage'],
          [
            { ...label, id: '1', label: 'New', closed: false },
            { ...label, id: '4', label: 'Closed', closed: true },
          ],
        ),
      )
      await save({
        ticket_id: '10',
        subject: 'first',
        properties: { hs_pipeline_stage: '1', gone: 'x' },
      } as never)
      await within((scope) => saveAssociations(scope, idOf(A), new Map([['10', { contacts: [] }]]), at(0)))
      await save({ ticket_id: '10', properties: { subject: 'second', hs_pipeline_stage: '4', come: 'y' } })
      const changes = await changesOf('10')
      const [first, second] = await versions(changes)
      const now = await within((scope) => findIssue(scope, changes[0]?.issue_id ?? ''))
      assert.deepEqual(second?.issue, now && issueSchema.parse(presentIssue(now)))
      assert.deepEqual(
        [first?.issue?.stage_id, first?.issue?.stage_name, first?.issue?.stage_closed],
        ['1', 'New', false],
      )
      assert.deepEqual([second?.issue?.stage_name, second?.issue?.stage_closed], ['Closed', true])
      const { gone, come, hs_lastmodifieddate } = first?.issue?.properties as Record<string, unknown>
      assert.deepEqual([gone, come], ['x', null])
      assert.equal(first?.issue?.modified_at, hs_lastmodifieddate)
      assert.equal(first?.issue?.synced_at, changes[0]?.at.toISOString())
      assert.deepEqual(first?.issue?.associations, { contacts: [], companies: null, deals: null })
    })

    test('a restored issue was archived before, and a merged one knows what it was merged into at each merge', async () => {
      await save({ ticket_id: '20' })
      await save({ ticket_id: '20', archived: true, archived_at: at(second).toISOString() })
      await save({ ticket_id: '20', properties: { subject: 'back' } })
      assert.deepEqual(pick(await versions(await changesOf('20')), 'archived', 'archived_at', 'subject'), [
        [false, null, 'Subject 20'],
        [true, null, 'Subject 20'],
        [false, null, 'back'],
      ])
      const merge = (survivor: string) =>
        within((scope) => saveMerges(scope, idOf(A), [{ loser: '20', survivor }], at(++second)))
      await within((scope) => markDeleted(scope, idOf(A), ['20'], at(++second)))
      await merge('21')
      await merge('22')
      assert.deepEqual(pick((await versions(await changesOf('20'))).slice(2), 'archived', 'merged_into'), [
        [false, null],
        [true, null],
        [true, '21'],
        [true, '22'],
      ])
    })

    test('what is beyond the bytes is measured and not read; what is longer than allowed is left out', async () => {
      for (const [n, length] of [10, 20_000, 10].entries())
        await save({ ticket_id: `3${n}`, properties: { content: 'x'.repeat(length) } })
      const changes = (await Promise.all(['30', '31', '32'].map((id) => changesOf(id)))).flat()
      const all = await versions(changes)
      const [one = 0, two = 0] = all.map(({ size }) => size)
      assert.ok(one < 3_000 && two > 40_000, `${one} ${two}`)
      const read = async (bytes: number, ofOne?: number) =>
        (await versions(changes, { bytes, ...(ofOne ? { ofOne } : {}) })).map(({ issue }) => issue?.ticket_id)
      assert.deepEqual(await read(one + two), ['30', '31', undefined])
      assert.deepEqual(await read(one + two - 1), ['30', undefined, undefined])
      assert.deepEqual(await read(2 ** 30, 30_000), ['30', '32'])
    })

    test('an issue that changed by too many bytes since, or too many changes ago, cannot be determined', async () => {
      const long = (n: number) => String(n % 10).repeat(100_000)
      const edits = Math.ceil(maxLaterBytes / 200_000) + 2
      for (let n = 0; n < edits; n++) await save({ ticket_id: '40', properties: { content: long(n) } })
      const changes = await changesOf('40')
      const read = await versions(changes)
      assert.ok(read.length > 10 && read.length < edits, `${read.length}`)
      for (const { seq, issue } of read)
        assert.equal(issue?.content, long(changes.findIndex((change) => change.seq === seq)))

      await save({ ticket_id: '41' })
      await save({ ticket_id: '41', properties: { subject: 'edited' } })
      const both = await changesOf('41')
      assert.equal((await versions(both)).length, 2)
      await within(({ query }) =>
        query(sql`update change_counters set last_seq = last_seq + ${maxLaterChanges}`),
      )
      assert.deepEqual(
        (await versions(both)).map(({ seq }) => seq),
        both.slice(1).map(({ seq }) => seq),
      )
      await within(({ query }) =>
        query(sql`update change_counters set last_seq = last_seq - ${maxLaterChanges}`),
      )
    })

    test('another tenant’s issue is not there, whatever is asked for', async () => {
      await save({ ticket_id: '50', properties: { subject: 'of B' } }, B)
      const theirs = await changesOf('50', B)
      assert.equal(
        (await within((scope) => readIssueVersions(scope, asked(theirs), { bytes: 2 ** 30 }), B)).length,
        1,
      )
      assert.deepEqual(await versions(theirs), [])
      // The number of one of A's changes with the issue of B.
      const [own] = await changesOf('10')
      assert.deepEqual(await versions(theirs.map((one) => ({ ...one, seq: own?.seq ?? 0 }))), [])
    })

    test('a tombstone that was deleted, a change that was deleted, and a purged integration have no versions', async () => {
      await save({ ticket_id: '60' })
      await save({ ticket_id: '60', archived: true, archived_at: at(second).toISOString() })
      const tombstone = await changesOf('60')
      assert.equal((await versions(tombstone)).length, 2)
      await within((scope) => deleteOldTombstones(scope, idOf(A), 3_600_000, 10))
      assert.deepEqual(await versions(tombstone), [])

      await save({ ticket_id: '61', properties: { subject: 'a' } })
      await save({ ticket_id: '61', properties: { subject: 'b' } })
      await save({ ticket_id: '61', properties: { subject: 'c' } })
      const [first, ...later] = await changesOf('61')
      await within(({ query }) =>
        query(sql`update changes set at = now() - interval '3 hours' where seq <= ${later[0]?.seq ?? 0}`),
      )
      await within((scope) => deleteOldChanges(scope, 3_600_000, 10_000))
      assert.deepEqual(pick(await versions(first ? [first, ...later] : []), 'subject'), [['b'], ['c']])

      await within((scope) => redactChanges(scope, idOf(A), 0, 10_000))
      assert.deepEqual(await versions(later), [], 'the changes know no issue any more')
      while ((await within((scope) => deleteIssueBatch(scope, idOf(A), 1_000))) > 0);
      assert.deepEqual(await versions(later), [])
    })
  })
