/** The plans of a reader's queries for a tenant among many: each reads the tenant's rows by an index. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import pg from 'pg'
import type { Database } from '../../src/db/database.ts'
import { parseTenantId } from '../../src/db/tenant-id.ts'
import { createSqlLogin, newSqlLoginName, revokeSqlLogin } from '../../src/sql-access/sql-logins.ts'
import { postgres } from '../support/engines.ts'
import { adminQuery, withDatabase } from '../support/postgres.ts'

const tenants = 200
const issuesEach = 400
const tenantId = parseTenantId('00000000-0000-4000-8000-000000000007')
const login = newSqlLoginName()

let db: Database
let close: () => Promise<void>
let session: pg.Client | undefined
before(async () => {
  const opened = await postgres.open()
  ;({ db, close } = opened)
  const url = String(opened.url)
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    for (const statement of [
      'set session_replication_role = replica',
      `create temporary table t as select ('00000000-0000-4000-8000-' || lpad(to_hex(g), 12, '0'))::uuid as tenant, g
      from generate_series(1, ${tenants}) g`,
      `insert into tenants (tenant_id, data_key) select tenant, 'eyJraWQiOiJrMSJ9.x' from t`,
      `insert into tenant_integrations (tenant_id, integration_id, status, hub_id) select tenant, tenant, 'active', g from t`,
      `insert into labels (tenant_id, integration_id, topic, parent, id, label, archived)
      select tenant, tenant, 'stage', '0', s::text, 'Stage ' || s, false from t, generate_series(1, 10) s`,
      `insert into issues (tenant_id, integration_id, ticket_id, issue_id, properties, modified_at, observed_at)
      select tenant, tenant, n::text, gen_random_uuid(),
        jsonb_build_object('subject', 'S', 'hs_pipeline', '0', 'hs_pipeline_stage', (n % 10 + 1)::text),
        '2026-01-01'::timestamptz - n * interval '1 minute', now()
      from t, generate_series(1, ${issuesEach}) n`,
      `insert into issue_search select tenant_id, integration_id, ticket_id, issue_id, pipeline_id, stage_id, owner_id, priority,
      category, archived, 'epoch', modified_at, archived_at, deleted_at, synced_at from issues`,
      `insert into issue_associations (tenant_id, integration_id, ticket_id, associations, observed_at)
      select tenant_id, integration_id, ticket_id, '{}', now() from issues`,
      `insert into issue_merges select tenant_id, integration_id, 'l' || ticket_id, ticket_id from issues`,
      `insert into changes (tenant_id, seq, type) select tenant, n, 'issue.updated' from t, generate_series(1, 400) n`,
      `insert into sync_events (tenant_id, sync_event_id, integration_id, kind, sync_type, trigger, state)
      select tenant, gen_random_uuid(), tenant, 'tickets', 'full', 'api', 'succeeded' from t, generate_series(1, 200) n`,
      'analyze',
    ])
      await client.query(statement)
  } finally {
    await client.end()
  }
  const made = { login, name: null, statementSeconds: 30, connections: 2 }
  await createSqlLogin({ db, owner: db }, tenantId, made)
  session = new pg.Client({ connectionString: withDatabase(new URL(url).pathname.slice(1), login) })
  await session.connect()
})
after(async () => {
  await session?.end()
  await revokeSqlLogin({ db, owner: db }, tenantId, login)
  assert.deepEqual(await adminQuery(`select from pg_roles where rolname = '${login}'`), [])
  await close()
})

interface Plan {
  'Node Type': string
  'Relation Name'?: string
  'Index Name'?: string
  'Index Cond'?: string
  'Actual Rows'?: number
  Plans?: Plan[]
}

const nodes = (plan: Plan): Plan[] => [plan, ...(plan.Plans ?? []).flatMap(nodes)]

async function planOf(query: string): Promise<Plan[]> {
  const { rows } = await (session as pg.Client).query(`explain (analyze, format json) ${query}`)
  return nodes(rows[0]['QUERY PLAN'][0].Plan as Plan)
}

const queries: [what: string, query: string, index: string][] = [
  [
    'one ticket',
    `select * from issues where integration_id = '${tenantId}' and ticket_id = '5'`,
    'issue_search_pkey',
  ],
  [
    'one issue',
    `select * from issues where issue_id = '00000000-0000-4000-8000-000000000001'`,
    'issue_search_first',
  ],
  [
    'the newest of a stage',
    `select * from issues where stage_id = '3' order by modified_at desc limit 20`,
    'issue_search_stage',
  ],
  [
    'what changed',
    `select * from issues where modified_at > '2026-01-01'::timestamptz - interval '9 minutes'`,
    'issue_search_modified',
  ],
  [
    'the newest',
    `select issue_id, subject from issues order by modified_at desc, issue_id desc limit 20`,
    'issue_search_modified',
  ],
  ['all of an integration', `select * from issues where integration_id = '${tenantId}'`, 'issue_search_'],
  ['the next changes', 'select * from changes where seq > 100 order by seq limit 20', 'changes_pkey'],
  [
    'the runs of an integration',
    `select * from sync_events where integration_id = '${tenantId}'`,
    'sync_events_',
  ],
]

for (const [what, query, index] of queries) {
  test(`${what}: by ${index}, with the tenant, and no table is read whole`, async () => {
    const plan = await planOf(query)
    const whole = plan.filter((node) => node['Node Type'] === 'Seq Scan')
    assert.deepEqual(
      whole.map((node) => node['Relation Name']),
      [],
    )
    const used = plan.find((node) => node['Index Name']?.startsWith(index))
    assert.match(String(used?.['Index Cond']), /tenant_id = /, JSON.stringify(plan))
  })
}

test('a page in the order of an index reads no more than the page', async () => {
  const plan = await planOf(`select * from issues where stage_id = '3' order by modified_at desc limit 20`)
  const scan = plan.find((node) => node['Index Name'] === 'issue_search_stage')
  assert.equal(scan?.['Actual Rows'], 20)
  assert.ok(!plan.some((node) => node['Node Type'] === 'Sort'))
})

test('columns of the index alone need no other table', async () => {
  const plan = await planOf('select stage_id, count(*) from issues group by stage_id')
  const read = plan.flatMap((node) => node['Relation Name'] ?? [])
  assert.deepEqual(new Set(read), new Set(['issue_search']))
})
