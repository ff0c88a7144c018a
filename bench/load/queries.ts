/**
 * 8. Queries for issues of one tenant among a hundred, next to a bare handler that runs the same statements. Over 200
 * lines because the seed of a large installation, the cases and the two servers belong together.
 */
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { Agent, request } from 'undici'
import type { Database, Query } from '../../src/db/database.ts'
import { openDatabase } from '../../src/db/open-database.ts'
import { type TenantScope, withTenant } from '../../src/db/scope.ts'
import { parseTenantId } from '../../src/db/tenant-id.ts'
import { countByValue } from '../../src/issues/facet-store.ts'
import { filterOf } from '../../src/issues/issue-filter-store.ts'
import { sortOf } from '../../src/issues/query.ts'
import { issuesQuery } from '../../src/issues/query-schema.ts'
import { findIssues } from '../../src/issues/query-store.ts'
import { findIssue, listIssues } from '../../src/issues/store.ts'
import { createLog } from '../../src/lib/log.ts'
import type { BareTask } from './bare-server.ts'
import { type Harness, type HubSpotProcess, newAccount, noLimits, pause, startHubSpot } from './harness.ts'
import { cpuMicros } from './processes.ts'
import { ascending, type BenchResult, type Figure, quantile, round } from './result.ts'
import { type Connected, type Service, startService } from './service.ts'

const aims = { ofBare: 0.75, p99Large: 200, p99Medium: 50 }
const adminKey = 'bench-admin-key-that-opens-no-account'
/** Requests at once: for throughput, and for times. */
const [busy, calm] = [8, 1]

/** Issues of the large tenant, of a medium one, and of each other. */
const [large, medium, other] = [300_000, 50_000, 6_632]
const tenants = 100

const vary = {
  SPOKE_SYNC_EVERY: '24h',
  SPOKE_FULL_EVERY: '24h',
  SPOKE_RATE_KEY: '1000000',
  SPOKE_RATE_TENANT: '1000000',
  SPOKE_RATE_ADDRESS: '1000000',
}

export async function queries(harness: Harness): Promise<BenchResult> {
  const hubspot = await startHubSpot()
  const databaseUrl = await harness.createDatabase()
  try {
    await hubspot.control('POST', '/limits', noLimits)
    const [first, second, index] = await seed(harness, hubspot, databaseUrl)
    const service = await startService(hubspot, databaseUrl, { ...vary, SPOKE_ADMIN_KEY: adminKey })
    try {
      const ofLarge = await compare(harness, service, first)
      const ofMedium = await times(service, second)
      const list = ofLarge.find(({ query }) => query === 'list of 50')
      const met =
        Number(list?.of_bare) >= aims.ofBare &&
        ofLarge.every(({ p99_ms }) => Number(p99_ms) <= aims.p99Large) &&
        ofMedium.every(({ p99_ms }) => Number(p99_ms) <= aims.p99Medium)
      return {
        number: 8,
        name: 'queries for issues',
        aim: `a list reaches ${aims.ofBare} of the bare handler's requests per second; p99 at most ${aims.p99Large} ms for the large tenant and ${aims.p99Medium} ms for one of ${medium} issues`,
        met,
        figures: {
          index,
          [`tenant_of_${Math.round(large * harness.scale)}`]: ofLarge,
          [`tenant_of_${Math.round(medium * harness.scale)}`]: ofMedium,
        },
        notes: [
          `requests per second with ${busy} at once, p50 and p99 with ${calm}; the load shares the processors`,
          'CPU per request: service or bare handler, and PostgreSQL',
        ],
      }
    } finally {
      await service.stop()
    }
  } finally {
    await harness.dropDatabase(databaseUrl)
    await hubspot.stop()
  }
}

/** Connects the tenants, writes their issues and waits until they are indexed. */
async function seed(
  harness: Harness,
  hubspot: HubSpotProcess,
  databaseUrl: string,
): Promise<[Connected, Connected, Record<string, Figure>]> {
  const service = await startService(hubspot, databaseUrl, vary)
  try {
    const connected: Connected[] = []
    for (let n = 0; n < tenants; n++) {
      const { hubId, token } = await newAccount(hubspot, { tickets: 1 })
      await hubspot.control('POST', `/portals/${hubId}/properties`, {
        name: 'region',
        type: 'string',
        label: 'Region',
      })
      connected.push(await service.connect(token))
    }
    for (const one of connected) await service.ended(one, 'full', 600)
    const [first, second] = connected as [Connected, Connected]
    const sizes = [large, medium].map((size) => Math.round(size * harness.scale))
    harness.say(`8. queries: writing the issues of ${tenants} tenants`)
    for (const [n, { tenantId, integrationId }] of connected.entries()) {
      const size = sizes[n] ?? Math.round(other * harness.scale)
      await service.rows(issuesOf, [tenantId, integrationId, size])
    }
    await service.rows('analyze')
    const before = [cpuMicros(service.pid), cpuMicros(harness.postgresPid)] as const
    const began = performance.now()
    await service.rows(`update search_builds set ticket_id = '', finished_at = null`)
    for (;;) {
      const [row] = await service.rows<{ open: number }>(
        'select count(*)::int as open from search_builds where finished_at is null',
      )
      if (row?.open === 0) break
      await pause(500)
    }
    const [{ count = Number.NaN } = {}] = await service.rows<{ count: number }>(
      'select count(*)::int as count from issue_terms',
    )
    const perIssue = (micros: number) => round(micros / count, 0)
    const built = {
      issues: count,
      build_microseconds_per_issue: perIssue((performance.now() - began) * 1_000),
      cpu_microseconds_service: perIssue(cpuMicros(service.pid) - before[0]),
      cpu_microseconds_postgres: perIssue(cpuMicros(harness.postgresPid) - before[1]),
    }
    await service.rows('vacuum analyze')
    const sizesOf = await service.rows<{ name: string; mib: number }>(
      `select relname as name, (pg_total_relation_size(oid) / 1048576)::int as mib from pg_class
       where relname in ('issues', 'issue_search', 'issue_terms') and relkind = 'r' order by 1`,
    )
    return [
      first,
      second,
      { ...built, ...Object.fromEntries(sizesOf.map(({ name, mib }) => [`${name}_mib`, mib])) },
    ]
  } finally {
    await service.stop()
  }
}

/** Fifty words of 20,000, the frequent ones more often, and two dozen properties. */
const issuesOf = `
  insert into issues (tenant_id, integration_id, ticket_id, issue_id, properties, modified_at, ticket_created_at, observed_at)
  select $1, $2, (2000000000 + n)::text, gen_random_uuid(),
    jsonb_build_object('subject', w.subject, 'content', w.content, 'hs_pipeline', '0',
      'hs_pipeline_stage', (1 + n % 4)::text, 'hs_ticket_priority', (array['LOW', 'MEDIUM', 'HIGH'])[1 + n % 3],
      'hubspot_owner_id', (n % 50)::text, 'createdate', to_char(created, format), 'hs_lastmodifieddate', to_char(modified, format),
      'plan', (array['free', 'basic', 'pro'])[1 + n % 3], 'region', 'r' || n % 200, 'amount', (n % 10000)::text,
      'customer_number', 'C-' || n, 'due', to_char(created + interval '30 days', 'YYYY-MM-DD'), 'source_type', 'EMAIL',
      'hs_object_source', 'CRM_UI', 'hs_num_times_contacted', (n % 7)::text, 'num_notes', (n % 5)::text,
      'hs_is_closed', (n % 4 = 3)::text, 'time_to_close', (n * 7 % 1000000)::text, 'hs_was_imported', 'false'),
    modified, created, now()
  from (
    select n, now() - n % 90000 * interval '1 minute' as modified, now() - n % 500 * interval '1 day' as created,
      'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"' as format from generate_series(1, $3::int) n) i
  cross join lateral (
    select string_agg(substr(md5((power(random() + 0 * k, 3) * 20000)::int::text), 1, 7), ' ') filter (where k <= 6) as subject,
      string_agg(substr(md5((power(random() + 0 * k, 3) * 20000)::int::text), 1, 7), ' ') as content
    from generate_series(1, 50 + 0 * n) k) w`

/** A word that about one of 400 issues has. */
const word = '08f90c1'

interface Case {
  query: string
  path: string
  work(scope: TenantScope): Promise<unknown>
}

const bytes = 512 * 1024

function casesOf({ tenantId }: Connected, issueId: string): Case[] {
  const listed = (given: Record<string, unknown>) => async (scope: TenantScope) => {
    const query = issuesQuery.parse(given)
    const at = { after: undefined, limit: 51, bytes }
    return await findIssues(scope, await filterOf(scope, query), sortOf(query), at)
  }
  const issues = `/api/hubspot/issues/${tenantId}`
  const columns = { stage_id: '2', priority: 'HIGH', owner_id: '7', sort: '-modified_at' }
  return [
    {
      query: 'list of 50',
      path: issues,
      work: (scope) => listIssues(scope, { after: undefined, limit: 51, bytes }),
    },
    {
      query: 'three columns, newest first',
      path: `${issues}?${new URLSearchParams(columns)}`,
      work: listed(columns),
    },
    {
      query: 'a property',
      path: `${issues}?properties.region=r7`,
      work: listed({ properties: { region: 'r7' } }),
    },
    { query: 'text', path: `${issues}?q=${word}`, work: listed({ q: word }) },
    { query: 'one issue', path: `${issues}/${issueId}`, work: (scope) => findIssue(scope, issueId, bytes) },
    {
      query: 'facets of an owner’s',
      path: `${issues}/facets?owner_id=7`,
      work: async (scope) =>
        await countByValue(scope, await filterOf(scope, issuesQuery.parse({ owner_id: '7' }))),
    },
    {
      query: 'facets of all',
      path: `${issues}/facets`,
      work: async (scope) => await countByValue(scope, await filterOf(scope, issuesQuery.parse({}))),
    },
  ]
}

async function anIssueOf(service: Service, { tenantId }: Connected): Promise<string> {
  const [row] = await service.rows<{ issue_id: string }>(
    'select issue_id from issues where tenant_id = $1 order by issue_id offset 500 limit 1',
    [tenantId],
  )
  return row?.issue_id ?? ''
}

/** The statements that the work runs, with their values. */
async function statementsOf(db: Database, tenantId: string, work: Case['work']) {
  const statements: { text: string; values: unknown[] }[] = []
  await withTenant(db, parseTenantId(tenantId), async (scope) => {
    const query: Query = async (statement, options) => {
      const { sql, parameters } = statement.compile(db.kysely)
      statements.push({ text: sql, values: [...parameters] })
      return await scope.query(statement, options)
    }
    await work({ ...scope, query })
  })
  return statements
}

async function keyFor(service: Service, tenantId: string): Promise<string> {
  const answer = await request(`${service.url}/api/tenants/${tenantId}/api-keys`, {
    method: 'POST',
    headers: { authorization: `Bearer ${adminKey}`, 'content-type': 'application/json' },
    body: JSON.stringify({ name: 'bench', scopes: ['read'] }),
  })
  const body = (await answer.body.json()) as { api_key?: string; code?: string }
  if (!body.api_key) throw new Error(`no key: ${body.code}`)
  return body.api_key
}

interface Server {
  base: string
  pid: number
  headers: Record<string, string>
}

/** Alternates: bare, Spoke, Spoke, bare. */
async function compare(
  harness: Harness,
  service: Service,
  tenant: Connected,
): Promise<Record<string, Figure>[]> {
  const cases = casesOf(tenant, await anIssueOf(service, tenant))
  const db = await openDatabase({ url: service.databaseUrl, dataDir: '', poolSize: 1 }, createLog('silent'))
  const task: BareTask = { databaseUrl: service.databaseUrl, tenantId: tenant.tenantId, queries: {} }
  for (const { path, work } of cases) task.queries[path] = await statementsOf(db, tenant.tenantId, work)
  await db.close()
  const bareProcess = fork(join(import.meta.dirname, 'bare-server.ts'), { execArgv: [] })
  const lastWord = () => void bareProcess.kill('SIGKILL')
  process.on('exit', lastWord)
  try {
    const bare = await startBare(bareProcess, task)
    const spoke = await spokeServer(service, tenant)
    const rows: Record<string, Figure>[] = []
    for (const { query, path } of cases) {
      const seconds = Math.max(3, 5 * harness.scale)
      const runs: (Load & { server: Server })[] = []
      for (const server of [bare, spoke, spoke, bare])
        runs.push({ server, ...(await load(server, path, seconds, busy, harness.postgresPid)) })
      const of = (wanted: Server) => {
        const both = runs.filter(({ server }) => server === wanted)
        const mean = (value: (run: (typeof both)[number]) => number) =>
          both.reduce((sum, run) => sum + value(run), 0) / both.length
        return {
          perSecond: mean((run) => run.perSecond),
          cpu: mean((run) => run.cpuMs),
          pg: mean((run) => run.postgresMs),
        }
      }
      const [ours, floor] = [of(spoke), of(bare)]
      const calmly = await load(spoke, path, seconds, calm, harness.postgresPid)
      const row = {
        query,
        per_second: round(ours.perSecond, 0),
        bare_per_second: round(floor.perSecond, 0),
        of_bare: round(ours.perSecond / floor.perSecond),
        p50_ms: round(calmly.p50, 1),
        p99_ms: round(calmly.p99, 1),
        cpu_ms: round(ours.cpu),
        bare_cpu_ms: round(floor.cpu),
        postgres_cpu_ms: round(ours.pg),
        bare_postgres_cpu_ms: round(floor.pg),
      }
      rows.push(row)
      harness.say(
        `   ${query}: ${row.per_second} per second, bare ${row.bare_per_second}; p99 ${row.p99_ms} ms`,
      )
    }
    return rows
  } finally {
    process.off('exit', lastWord)
    bareProcess.kill('SIGKILL')
  }
}

async function startBare(child: ChildProcess, task: BareTask): Promise<Server> {
  await once(child, 'message')
  child.send(task)
  const [port] = (await once(child, 'message')) as [number]
  return { base: `http://127.0.0.1:${port}`, pid: child.pid as number, headers: {} }
}

async function spokeServer(service: Service, { tenantId }: Connected): Promise<Server> {
  const headers = { authorization: `Bearer ${await keyFor(service, tenantId)}` }
  return { base: service.url, pid: service.pid, headers }
}

async function times(service: Service, tenant: Connected): Promise<Record<string, Figure>[]> {
  const server = await spokeServer(service, tenant)
  const rows: Record<string, Figure>[] = []
  for (const { query, path } of casesOf(tenant, await anIssueOf(service, tenant))) {
    const { p50, p99 } = await load(server, path, 3, calm, undefined)
    rows.push({ query, p50_ms: round(p50, 1), p99_ms: round(p99, 1) })
  }
  return rows
}

interface Load {
  perSecond: number
  p50: number
  p99: number
  /** Of the server and of PostgreSQL, per request. */
  cpuMs: number
  postgresMs: number
}

/** One request after the other on each of some connections. */
async function load(
  { base, pid, headers }: Server,
  path: string,
  seconds: number,
  atOnce: number,
  postgresPid: number | undefined,
): Promise<Load> {
  const agent = new Agent({ connections: atOnce })
  const ask = async () => {
    const { statusCode, body } = await request(`${base}${path}`, { dispatcher: agent, headers })
    const text = await body.text()
    if (statusCode !== 200) throw new Error(`${path}: ${statusCode} ${text}`)
  }
  for (let warm = 0; warm < 20; warm++) await ask()
  const cpu = () => [cpuMicros(pid), postgresPid === undefined ? 0 : cpuMicros(postgresPid)] as const
  const before = cpu()
  const taken: number[] = []
  const end = performance.now() + seconds * 1_000
  const began = performance.now()
  const loop = async () => {
    while (performance.now() < end) {
      const at = performance.now()
      await ask()
      taken.push(performance.now() - at)
    }
  }
  await Promise.all(Array.from({ length: atOnce }, loop))
  const elapsed = (performance.now() - began) / 1_000
  const after = cpu()
  await agent.close()
  const sorted = ascending(taken)
  return {
    perSecond: taken.length / elapsed,
    p50: quantile(sorted, 0.5),
    p99: quantile(sorted, 0.99),
    cpuMs: (after[0] - before[0]) / 1_000 / taken.length,
    postgresMs: (after[1] - before[1]) / 1_000 / taken.length,
  }
}
