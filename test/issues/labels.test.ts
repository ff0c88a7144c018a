/** Issues as they are read back: names joined at reading, filters, and plans that stay with the keys. */
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { sql } from 'kysely'
import type { Database } from '../../src/db/database.ts'
import { withTenant } from '../../src/db/scope.ts'
import { inTransaction } from '../../src/db/transaction.ts'
import { saveAssociations } from '../../src/issues/association-store.ts'
import { type LabelRow, saveLabels } from '../../src/issues/label-store.ts'
import { findIssue, listIntegrationIssues, listIssues } from '../../src/issues/store.ts'
import { upsertIssues } from '../../src/issues/upsert-store.ts'
import { engines } from '../support/engines.ts'
import { long } from '../support/long.ts'
import { A, B, issueRow, seedTenant } from '../support/rows.ts'

const label = (
  topic: LabelRow['topic'],
  id: string,
  name: string | null,
  over: Partial<LabelRow> = {},
): LabelRow => ({
  topic,
  parent: '',
  id,
  label: name,
  email: null,
  closed: null,
  archived: false,
  ...over,
})
const stage = (parent: string, id: string, name: string, closed = false) =>
  label('stage', id, name, { parent, closed })

for (const engine of engines) {
  describe(`reading issues on ${engine.name}`, () => {
    let db: Database
    let close: () => Promise<void>
    let id: string
    let other: string
    before(async () => {
      ;({ db, close } = await engine.open())
      id = await seedTenant(db, A)
      other = await seedTenant(db, A, 4343)
      await seedTenant(db, B)
      await withTenant(db, A, async (scope) => {
        const rows = [
          issueRow('10', {
            properties: { hs_pipeline: '0', hs_pipeline_stage: '1', hubspot_owner_id: '77' },
          }),
          issueRow('11', {
            properties: { hs_pipeline: '9', hs_pipeline_stage: '1', hubspot_owner_id: '78' },
          }),
          issueRow('12', { properties: { hs_pipeline: null, hs_pipeline_stage: '' } }),
          issueRow('13', { archived: true, archived_at: '2026-02-01T00:00:00.000Z' }),
        ]
        await upsertIssues(scope, id, rows, new Date('2026-03-01T00:00:00Z'))
        await upsertIssues(
          scope,
          other,
          [issueRow('10', { properties: { hubspot_owner_id: '77' } })],
          new Date('2026-03-01T00:00:00Z'),
        )
        await scope.query(sql`
          insert into issue_merges (tenant_id, integration_id, loser_id, survivor_id)
          values (${A}, ${id}, '13', '10')`)
      })
    })
    after(() => close())

    const save = (topics: LabelRow['topic'][], rows: LabelRow[]) =>
      withTenant(db, A, (scope) => saveLabels(scope, id, topics, rows))
    const read = async (ticketId: string) =>
      (
        await withTenant(db, A, (scope) =>
          listIntegrationIssues(scope, { integrationId: id, after: undefined, limit: 50 }),
        )
      ).find((issue) => issue.ticket_id === ticketId) ?? assert.fail(ticketId)

    test('a renamed stage is renamed in every issue at once; stage ids count within their pipeline', async () => {
      const pipelines = [label('pipeline', '0', 'Support'), label('pipeline', '9', 'Returns')]
      const owners = [
        label('owner', '77', 'Ada Lovelace', { email: 'ada@example.com' }),
        label('owner', '78', 'gone@example.com', { email: 'gone@example.com', archived: true }),
      ]
      await save(
        ['pipeline', 'stage'],
        [...pipelines, stage('0', '1', 'New'), stage('9', '1', 'Requested', true)],
      )
      await save(['owner'], owners)
      const ten = await read('10')
      assert.deepEqual(
        [ten.pipeline_name, ten.stage_name, ten.stage_closed, ten.owner_name, ten.owner_email],
        ['Support', 'New', false, 'Ada Lovelace', 'ada@example.com'],
      )
      const eleven = await read('11')
      assert.deepEqual(
        [eleven.pipeline_name, eleven.stage_name, eleven.stage_closed, eleven.owner_name],
        ['Returns', 'Requested', true, 'gone@example.com'],
      )
      const twelve = await read('12')
      assert.deepEqual(
        [twelve.pipeline_name, twelve.stage_name, twelve.stage_closed, twelve.owner_name],
        [null, null, null, null],
      )
      await save(
        ['pipeline', 'stage'],
        [...pipelines, stage('0', '1', 'Fresh'), stage('9', '1', 'Requested', true)],
      )
      assert.equal((await read('10')).stage_name, 'Fresh')
      assert.equal((await read('11')).stage_name, 'Requested')
      const found = await withTenant(db, A, (scope) => findIssue(scope, ten.issue_id))
      const listed = await read('10')
      assert.deepEqual(found, { ...listed, upTo: found?.upTo })
    })

    test('an entry that is no longer listed retains its label, and labels of other integrations are separate', async () => {
      await save(['owner'], [label('owner', '79', 'New One')])
      assert.equal((await read('10')).owner_name, 'Ada Lovelace')
      const archived = await withTenant(db, A, ({ query }) =>
        query(sql<{ archived: boolean }>`
          select archived from labels where topic = 'owner' and id = '77' and integration_id = ${id}`),
      )
      assert.deepEqual(archived, [{ archived: true }])
      const theirs = await withTenant(db, A, (scope) =>
        listIntegrationIssues(scope, { integrationId: other, after: undefined, limit: 50 }),
      )
      const ten = theirs.find(({ ticket_id: ticketId }) => ticketId === '10')
      assert.deepEqual([ten?.owner_name, ten?.pipeline_name], [null, 'Support Pipeline'])
    })

    test('for a label that is given twice, the last one counts', async () => {
      await save(
        ['owner'],
        [label('owner', '80', 'Before'), label('owner', '80', 'After', { archived: true })],
      )
      const rows = await withTenant(db, A, ({ query }) =>
        query(sql`select label, archived from labels where id = '80'`),
      )
      assert.deepEqual(rows, [{ label: 'After', archived: true }])
    })

    test('associations and the survivor of a merge are returned too; what was never read is null', async () => {
      const contacts = [{ id: '5', labels: [{ category: 'USER_DEFINED', type_id: 3, label: 'Billing' }] }]
      await withTenant(db, A, (scope) =>
        saveAssociations(scope, id, new Map([['10', { contacts, companies: null }]]), new Date()),
      )
      assert.deepEqual((await read('10')).associations, { contacts, companies: null })
      assert.equal((await read('11')).associations, null)
      assert.deepEqual([(await read('13')).merged_into, (await read('10')).merged_into], ['10', null])
    })

    test('archived: both, tombstones only, live ones only, in both lists, and paging stays within the filter', async () => {
      const of = async (archived: boolean | undefined, after?: string) =>
        (
          await withTenant(db, A, (scope) =>
            listIntegrationIssues(scope, { integrationId: id, archived, after, limit: 50 }),
          )
        ).map(({ ticket_id: ticketId }) => ticketId)
      assert.deepEqual(await of(undefined), ['1', '10', '11', '12', '13'])
      assert.deepEqual(await of(false), ['1', '10', '11', '12'])
      assert.deepEqual(await of(true), ['13'])
      assert.deepEqual(await of(false, '10'), ['11', '12'])
      const all = async (archived: boolean) =>
        (await withTenant(db, A, (scope) => listIssues(scope, { archived, after: undefined, limit: 50 })))
          .length
      assert.deepEqual([await all(true), await all(false)], [1, 6])
    })
  })
}

/** What a missing index would do is seen with the smaller number as well. */
const many = long ? 100_000 : 30_000

describe(`listing 200 of ${many.toLocaleString('en')} issues as the tenant’s role`, () => {
  let db: Database
  let close: () => Promise<void>
  const id = '01a2044e-3639-7888-95cf-ef6ead9b1a46'
  before(async () => {
    const [postgres] = engines
    ;({ db, close } = await (postgres ?? assert.fail()).open())
    await seedTenant(db, A)
    await sql`
      insert into tenant_integrations (tenant_id, integration_id, status, hub_id)
      values (${A}, ${id}, 'active', 99)`.execute(db.kysely)
    await inTransaction(db, ['set local session_replication_role = replica'], async (query) => {
      // By the owner and without a look-up of the integration for each row, which would take most of the time.
      await query(sql`
        insert into issues (tenant_id, integration_id, ticket_id, issue_id, modified_at, archived, properties,
          observed_at)
        select ${A}, ${id}, (400000000000 + n)::text, ('01a2044e-3639-7888-95cf-' || lpad(to_hex(n), 12, '0'))::uuid,
          now(), n % 100 = 0,
          jsonb_build_object('subject', 'x', 'hs_pipeline', '0', 'hs_pipeline_stage', (n % 4 + 1)::text,
            'hubspot_owner_id', (n % 500)::text), now()
        from generate_series(1, ${many}::int) n`)
      await query(sql`
        insert into issue_associations (tenant_id, integration_id, ticket_id, associations, observed_at)
        select ${A}, ${id}, (400000000000 + n)::text, '{"contacts": []}', now()
        from generate_series(1, ${many}::int) n`)
      await query(sql`
        insert into labels (tenant_id, integration_id, topic, parent, id, label, archived)
        select ${A}, ${id}, 'owner', '', n::text, 'Owner ' || n, false from generate_series(0, 5000) n`)
    })
  })
  after(() => close())

  /** The plans of the statements of `work`, as they ran. */
  async function explained(work: Parameters<typeof withTenant<unknown>>[2]): Promise<string[]> {
    const plans: string[] = []
    await withTenant(db, A, async (scope) => {
      const query: typeof scope.query = async (statement) => {
        const rows = await scope.query(sql<{ 'QUERY PLAN': string }>`explain (analyze, buffers) ${statement}`)
        plans.push(rows.map((row) => row['QUERY PLAN']).join('\n'))
        return []
      }
      await work({ ...scope, query })
    })
    return plans
  }

  for (const analysed of [false, true]) {
    test(`no plan reads a table from end to end, ${analysed ? 'with' : 'without'} statistics`, async () => {
      if (analysed) await sql`analyze issues, issue_associations, labels, issue_merges`.execute(db.kysely)
      const middle = `01a2044e-3639-7888-95cf-${(many / 2).toString(16).padStart(12, '0')}`
      for (const archived of [undefined, true, false]) {
        const plans = [
          ...(await explained((scope) => listIssues(scope, { archived, after: undefined, limit: 201 }))),
          ...(await explained((scope) => listIssues(scope, { archived, after: middle, limit: 201 }))),
          ...(await explained((scope) =>
            listIntegrationIssues(scope, {
              integrationId: id,
              archived,
              after: String(400_000_000_000 + many / 2),
              limit: 201,
            }),
          )),
          ...(await explained((scope) => findIssue(scope, middle))),
        ]
        assert.equal(plans.length, 4)
        for (const plan of plans) {
          assert.doesNotMatch(plan, /Seq Scan on (issues|issue_associations|labels)/, plan)
          // Without statistics the server takes the table for a small one and sorts what it finds by the key.
          if (!analysed) continue
          assert.doesNotMatch(plan, /Sort Key/, plan)
          const [, hit, read = '0'] = /Buffers: shared hit=(\d+)(?: read=(\d+))?/.exec(plan) ?? []
          assert.ok(Number(hit) + Number(read) < 6_000, plan)
          const removed = [...plan.matchAll(/Rows Removed by Filter: (\d+)/g)].map(([, n]) => Number(n))
          assert.ok(Math.max(0, ...removed) < 2_000, plan)
        }
      }
    })
  }
})
