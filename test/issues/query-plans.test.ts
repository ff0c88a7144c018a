/** The plans of queries for issues, as the role that runs them, with row level security on. */
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { sql } from 'kysely'
import type { Database, Query } from '../../src/db/database.ts'
import { type TenantScope, withTenant } from '../../src/db/scope.ts'
import { saveResourceRead } from '../../src/integrations/resource-store.ts'
import { filterOf } from '../../src/issues/issue-filter-store.ts'
import { type LabelRow, saveLabels } from '../../src/issues/label-store.ts'
import { sortOf } from '../../src/issues/query.ts'
import { issuesQuery } from '../../src/issues/query-schema.ts'
import { countIssues, findIssues } from '../../src/issues/query-store.ts'
import { buildSearchRows } from '../../src/issues/search-index-store.ts'
import { postgres } from '../support/engines.ts'
import { A, B, seedTenant } from '../support/rows.ts'

const owners = 50

/** By tenant: a large one and a small one. */
const sizes = [
  [A, 20_000],
  [B, 2_000],
] as const

/** Each shape, and the index that must serve it for the large tenant. */
const shapes: [query: Record<string, string>, index: RegExp][] = [
  [{ sort: '-modified_at' }, /issue_search_modified/],
  [{ sort: 'modified_at', 'modified_at.gte': '2026-01-05T00:00:00Z' }, /issue_search_modified/],
  [{ sort: '-created_at' }, /issue_search_created/],
  [{ owner_id: '7', sort: '-modified_at' }, /issue_search_owner/],
  [{ owner_name: 'Owner 7', sort: '-modified_at' }, /issue_search_owner/],
  [{ closed: 'false', sort: '-modified_at' }, /issue_search_(stage|modified)/],
  [{ stage_id: '4', sort: '-modified_at' }, /issue_search_(stage|modified)/],
  [{ priority: 'URGENT' }, /issue_search_priority/],
  [{ priority: 'HIGH' }, /issue_search_first/],
  [{ category: 'RARE', sort: '-created_at' }, /issue_search_category/],
  [{ priority: 'HIGH', owner_id: '7', stage_id: '4', sort: '-modified_at' }, /issue_search_owner/],
  [{ ticket_id: '123' }, /issue_search_pkey/],
  [{ q: 'printer' }, /issue_terms_found/],
  [{ q: 'print' }, /issue_terms_found/],
  [{ q: '"on fire" -paper', sort: '-modified_at' }, /issue_terms_found/],
  [{ q: 'everywhere' }, /issue_search_modified/],
  [{ q: 'everywhere', owner_id: '7', sort: '-modified_at' }, /issue_search_owner/],
  [{ 'properties.plan': 'gold' }, /issue_terms_found/],
  [{ 'properties.plan.in': 'gold,silver', priority: 'HIGH' }, /issue_terms_found/],
  [{ 'properties.discount.gte': '5', sort: '-created_at' }, /issue_terms_found/],
  [{ 'properties.plan.exists': 'true', sort: '-modified_at' }, /issue_terms_found/],
  [{ contact_id: '77' }, /issue_terms_found/],
]

/** As the route does: parameters of properties are one object. */
function parseQuery(given: Record<string, string>) {
  const property = Object.entries(given).find(([name]) => name.startsWith('properties.'))
  const { [property?.[0] ?? '']: _, ...others } = given
  return issuesQuery.parse(
    property ? { ...others, properties: { [property[0].slice(11)]: property[1] } } : others,
  )
}

describe('plans of queries for issues', () => {
  let db: Database
  let close: () => Promise<void>
  before(async () => {
    ;({ db, close } = await postgres.open())
    for (const [tenant, count] of sizes) {
      const id = await seedTenant(db, tenant)
      const rows = sql`
        select ${tenant}::uuid as tenant_id, ${id}::uuid as integration_id, n::text as ticket_id, gen_random_uuid() as issue_id,
          '2026-01-01'::timestamptz + n * interval '1 minute' as at, (n % ${owners})::text as owner,
          case when n % 1000 = 0 then 'URGENT' when n % 3 = 0 then 'HIGH' else 'LOW' end as priority,
          case when n % 1500 = 0 then 'RARE' end as category, n % 700 = 0 as rare, (n % 4 + 1)::text as stage
        from generate_series(10, ${count}::int) n`
      await withTenant(db, tenant, async ({ query }) => {
        await query(sql`
          insert into issues (tenant_id, integration_id, ticket_id, issue_id, properties, modified_at, ticket_created_at, observed_at)
          select tenant_id, integration_id, ticket_id, issue_id, jsonb_build_object('hs_pipeline', '0', 'hs_pipeline_stage',
            stage, 'hs_ticket_priority', priority, 'hs_ticket_category', category, 'hubspot_owner_id', owner,
            'subject', case when rare then 'Printer on fire' end, 'content', 'everywhere',
            'plan', case when rare then 'Gold' end, 'discount', case when rare then '5' end), at, at, at
          from (${rows}) n`)
        await query(sql`
          insert into issue_associations (tenant_id, integration_id, ticket_id, associations, observed_at)
          select tenant_id, integration_id, ticket_id, '{"contacts": [{"id": "77"}]}', at from (${rows}) n where rare`)
      })
      while (await withTenant(db, tenant, (scope) => buildSearchRows(scope, id, 1_000)));
      const definition = { name: 'discount', type: 'number', label: '', hubspotDefined: false }
      await withTenant(db, tenant, (scope) =>
        saveResourceRead(scope, id, 'properties', [
          { ...definition, calculated: false },
          { ...definition, name: 'plan', type: 'string', calculated: false },
        ]),
      )
      const labels = Array.from(
        { length: owners },
        (_, n): LabelRow => ({
          topic: 'owner',
          parent: '',
          id: String(n),
          label: `Owner ${n}`,
          email: null,
          closed: null,
          archived: false,
        }),
      )
      const stages = ['1', '2', '3', '4'].map(
        (stage): LabelRow => ({
          topic: 'stage',
          parent: '0',
          id: stage,
          label: `Stage ${stage}`,
          email: null,
          closed: stage === '4',
          archived: false,
        }),
      )
      await withTenant(db, tenant, (scope) =>
        saveLabels(scope, id, ['owner', 'stage'], [...labels, ...stages]),
      )
    }
    await sql`analyze`.execute(db.kysely)
  })
  after(() => close())

  /** Runs `work` as the tenant, and returns the plans of its statements. */
  async function plansOf(
    tenant: typeof A,
    work: (scope: TenantScope) => Promise<unknown>,
  ): Promise<string[]> {
    const plans: string[] = []
    await withTenant(db, tenant, async (scope) => {
      const query: Query = async (statement) => {
        const rows = await scope.query(
          sql<{ 'QUERY PLAN': string }>`explain (analyze, costs off, timing off, summary off) ${statement}`,
        )
        plans.push(rows.map((row) => row['QUERY PLAN']).join('\n'))
        return await scope.query(statement)
      }
      await work({ ...scope, query })
    })
    return plans
  }

  for (const [given, index] of shapes)
    test(`${new URLSearchParams(given)} uses ${index.source}`, async () => {
      const query = parseQuery(given)
      for (const [tenant] of sizes) {
        const conditions = await withTenant(db, tenant, (scope) => filterOf(scope, query))
        const plans = await plansOf(tenant, (scope) =>
          findIssues(scope, conditions, sortOf(query), { after: undefined, limit: 51, bytes: 1e9 }),
        )
        const plan = plans.join('\n')
        assert.doesNotMatch(plan, /Seq Scan on (issue_search|issue_terms|issues)/, plan)
        if (tenant === A) assert.match(plan, index, plan)
        const scanned = plan
          .split(/\n(?=\s*->)/)
          .filter((node) => /^\s*(->)?.*(?<!Bitmap Index )Scan.* on issue_(search|terms)/.test(node))
        const read = scanned.map((node) =>
          [...node.matchAll(/(?:rows=|Removed by Filter: )(\d+)/g)].reduce(
            (sum, [, n]) => sum + Number(n),
            0,
          ),
        )
        // Up to 10,001 that content finds are counted.
        assert.ok(read.length > 0 && Math.max(...read) <= (plans.length > 1 ? 10_001 : 2_000), plan)
      }
    })

  test('a count reads the index of its column', async () => {
    const query = issuesQuery.parse({ owner_id: '7' })
    const conditions = await withTenant(db, A, (scope) => filterOf(scope, query))
    const [plan = ''] = await plansOf(A, (scope) => countIssues(scope, conditions))
    assert.match(plan, /issue_search_owner/)
    assert.doesNotMatch(plan, /Seq Scan/)
  })
})
