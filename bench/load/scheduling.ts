/**
 * 7. What it costs to find work: an idle service, scheduled runs that find nothing, and the polls and the retention pass
 * of an installation with 100,000 integrations. It counts statements, on a PostgreSQL of its own, so that the other
 * benchmarks need not pay for that.
 */
import pg from 'pg'
import type { Database } from '../../src/db/database.ts'
import { openDatabase } from '../../src/db/open-database.ts'
import { systemClock } from '../../src/lib/clock.ts'
import { createLog } from '../../src/lib/log.ts'
import { runRetentionPass } from '../../src/worker/retention.ts'
import { retentionHooks } from '../../test/support/retention-hooks.ts'
import {
  type Harness,
  type HubSpotProcess,
  newAccount,
  noLimits,
  pause,
  startHarness,
  startHubSpot,
} from './harness.ts'
import { cpuMicros } from './processes.ts'
import { type BenchResult, type Figure, round } from './result.ts'
import { type Service, startService } from './service.ts'

const log = createLog('silent')
const aims = { idlePerSecond: 6, runsPerSecond: 200, statementsPerRun: 14.5, pollMs: 5, retentionSeconds: 30 }

export async function scheduling({ scale }: Harness): Promise<BenchResult> {
  // The functions of the tests that create databases read where the server is from here.
  const { SPOKE_TEST_PG } = process.env
  const harness = await startHarness(scale, { shared_preload_libraries: 'pg_stat_statements' })
  const hubspot = await startHubSpot()
  try {
    await hubspot.control('POST', '/limits', noLimits)
    const idle = await measureIdle(harness, hubspot)
    const runs = await measureRuns(harness, hubspot)
    const large = await measureLarge(harness, hubspot)
    const met =
      idle.transactions_per_second <= aims.idlePerSecond &&
      runs.runs_per_second >= aims.runsPerSecond &&
      runs.statements_per_run <= aims.statementsPerRun &&
      large.slowest_poll_mean_ms <= aims.pollMs &&
      large.retention_pass_s <= aims.retentionSeconds
    return {
      number: 7,
      name: 'what it costs to find work',
      aim: `idle at most ${aims.idlePerSecond} transactions per second; ${aims.runsPerSecond} scheduled runs per second in one process, each at most ${aims.statementsPerRun} statements; polls of 100,000 integrations at most ${aims.pollMs} ms; a retention pass of 100,000 tenants at most ${aims.retentionSeconds} s`,
      met,
      figures: { idle, scheduled_runs_without_news: runs, at_100000_integrations: large },
      notes: [
        'statements: without begin, commit, set and the pool’s own; by pg_stat_statements',
        'the emulator shares the processors, so runs per second depend on this machine more than CPU per run does',
      ],
    }
  } finally {
    await hubspot.stop()
    await harness.stop()
    Object.assign(process.env, { SPOKE_TEST_PG })
  }
}

/** Without what this benchmark itself runs. */
const ownStatements = `query !~ 'pg_stat_|current_database\\(\\)' and toplevel`
const plumbing = `query ~* '^(begin|commit|rollback|set |reset|discard|start transaction)'`

async function countStatements(service: Service): Promise<number> {
  const [row] = await service.rows<{ calls: number }>(
    `select coalesce(sum(calls), 0)::float8 as calls from pg_stat_statements
     where dbid = (select oid from pg_database where datname = current_database()) and ${ownStatements} and not ${plumbing}`,
  )
  return row?.calls ?? Number.NaN
}

async function countTransactions(service: Service): Promise<number> {
  const [row] = await service.rows<{ n: number }>(
    'select (xact_commit + xact_rollback)::float8 as n from pg_stat_database where datname = current_database()',
  )
  return row?.n ?? Number.NaN
}

async function measureIdle(harness: Harness, hubspot: HubSpotProcess) {
  const databaseUrl = await harness.createDatabase()
  const began = performance.now()
  const service = await startService(hubspot, databaseUrl)
  const startMs = performance.now() - began
  try {
    await service.rows('create extension pg_stat_statements')
    await pause(8_000)
    const seconds = Math.max(10, 30 * harness.scale)
    const before = [cpuMicros(service.pid), cpuMicros(harness.postgresPid)] as const
    const from = await countTransactions(service)
    await pause(seconds * 1_000)
    const transactions = (await countTransactions(service)) - from
    const [connections] = await service.rows<{ n: number }>(
      `select count(*)::int as n from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()`,
    )
    return {
      start_ms: round(startMs, 0),
      // The statistics arrive a second late, at both ends alike; one is this benchmark's own.
      transactions_per_second: round((transactions - 1) / seconds, 1),
      cpu_ms_per_second_service: round((cpuMicros(service.pid) - before[0]) / 1_000 / seconds, 1),
      cpu_ms_per_second_postgres: round((cpuMicros(harness.postgresPid) - before[1]) / 1_000 / seconds, 1),
      connections: connections?.n ?? Number.NaN,
    }
  } finally {
    await service.stop()
    await harness.dropDatabase(databaseUrl)
  }
}

async function measureRuns(harness: Harness, hubspot: HubSpotProcess) {
  const count = Math.max(20, Math.round(600 * harness.scale))
  const databaseUrl = await harness.createDatabase()
  const loading = await startService(hubspot, databaseUrl, { SPOKE_SYNC_CONCURRENCY: '32' })
  try {
    await loading.rows('create extension pg_stat_statements')
    harness.say(`7. connecting ${count} tenants`)
    let left = count
    const worker = async () => {
      while (left-- > 0) await loading.connect((await newAccount(hubspot, { tickets: 5 })).token)
    }
    await Promise.all(Array.from({ length: 8 }, worker))
    for (;;) {
      const [row] = await loading.rows<{ open: number }>(
        'select count(*)::int as open from sync_events where finished_at is null',
      )
      if (row?.open === 0) break
      await pause(500)
    }
  } finally {
    await loading.stop()
  }
  // More slots than a process can serve.
  const service = await startService(hubspot, databaseUrl, { SPOKE_SYNC_EVERY: '2s' })
  try {
    await service.rows(
      `update sync_streams set next_run_at = clock_timestamp() where sync_type = 'incremental'`,
    )
    await pause(5_000)
    const seconds = Math.max(15, 40 * harness.scale)
    const runsSoFar = () => runsOf(service)
    await service.rows('select pg_stat_statements_reset()')
    const before = [cpuMicros(service.pid), cpuMicros(harness.postgresPid), cpuMicros(hubspot.pid)] as const
    const from = await runsSoFar()
    const began = performance.now()
    await pause(seconds * 1_000)
    const runs = (await runsSoFar()) - from
    const elapsed = (performance.now() - began) / 1_000
    const statements = await countStatements(service)
    const cpu = [cpuMicros(service.pid), cpuMicros(harness.postgresPid), cpuMicros(hubspot.pid)].map(
      (micros, n) => (micros - (before[n] as number)) / 1_000 / runs,
    ) as [number, number, number]
    const most = await service.rows<{ query: string; calls: number; ms: number }>(
      `select left(regexp_replace(query, '\\s+', ' ', 'g'), 90) as query, (calls / $1::float8)::numeric(9,2)::float8 as calls, mean_exec_time as ms
       from pg_stat_statements where dbid = (select oid from pg_database where datname = current_database()) and ${ownStatements}
       order by calls desc limit 60`,
      [runs],
    )
    if (process.env.SPOKE_BENCH_STATEMENTS)
      for (const { query, calls, ms } of most) harness.say(`   ${calls} ${ms.toFixed(3)} ${query}`)
    const [stored] = await service.rows<{ rows: number; bytes: number }>(
      `select count(*)::float8 as rows, pg_total_relation_size('sync_events')::float8 as bytes from sync_events`,
    )
    return {
      runs_per_second: round(runs / elapsed, 1),
      statements_per_run: round(statements / runs, 1),
      cpu_ms_per_run_service: round(cpu[0], 2),
      cpu_ms_per_run_postgres: round(cpu[1], 2),
      cpu_ms_per_run_emulator: round(cpu[2], 2),
      sync_event_rows_for_each_integration: round((stored?.rows ?? 0) / count, 1),
    }
  } finally {
    await service.stop()
    await harness.dropDatabase(databaseUrl)
  }
}

/** Each claim of a run advances the epoch of its stream. */
async function runsOf(service: Service): Promise<number> {
  const [row] = await service.rows<{ n: number }>('select sum(epoch)::float8 as n from sync_streams')
  return row?.n ?? Number.NaN
}

const integrations = 100_000

async function measureLarge(harness: Harness, hubspot: HubSpotProcess) {
  const count = Math.max(1_000, Math.round(integrations * harness.scale))
  const databaseUrl = await harness.createDatabase()
  harness.say(`   seeding ${count} integrations`)
  // The first start stores the sentinel of the key ring, which the tenants seeded here could not prove.
  await (await startService(hubspot, databaseUrl)).stop()
  await seedIntegrations(databaseUrl, count)
  const service = await startService(hubspot, databaseUrl, { SPOKE_ROLE: 'all' })
  let polls: { query: string; ms: number; calls: number }[]
  try {
    await service.rows('create extension pg_stat_statements')
    await pause(2_000)
    await service.rows('select pg_stat_statements_reset()')
    await pause(20_000)
    polls = await service.rows(
      `select left(regexp_replace(query, '\\s+', ' ', 'g'), 70) as query, mean_exec_time as ms, calls::float8 as calls
       from pg_stat_statements where dbid = (select oid from pg_database where datname = current_database())
         and ${ownStatements} and not ${plumbing} and calls >= 3
       order by mean_exec_time desc limit 6`,
    )
  } finally {
    await service.stop()
  }
  const db = await openDatabase({ url: databaseUrl, dataDir: '', poolSize: 5, statementMs: 60_000 }, log)
  let retentionMs: number
  try {
    retentionMs = await timeRetention(db)
  } finally {
    await db.close()
    await harness.dropDatabase(databaseUrl)
  }
  return {
    slowest_poll_mean_ms: round(Math.max(0, ...polls.map(({ ms }) => ms)), 2),
    polls: polls.map(
      ({ query, ms, calls }): Figure => ({
        mean_ms: round(ms, 2),
        calls_in_20_s: calls,
        query,
      }),
    ),
    retention_pass_s: round(retentionMs / 1_000, 1),
  }
}

async function timeRetention(db: Database): Promise<number> {
  const keep = 90 * 86_400_000
  const began = performance.now()
  await runRetentionPass(
    {
      db,
      hooks: () =>
        retentionHooks({
          syncEventsMs: keep,
          inboxMs: keep,
          changesMs: keep,
          problemsMs: keep,
          archivedMs: keep,
        }),
      clock: systemClock,
      log,
    },
    new AbortController().signal,
  )
  return performance.now() - began
}

/** One integration for each tenant, on a schedule that is not due; half have changes and deliveries that wait for later. */
export async function seedIntegrations(databaseUrl: string, count: number): Promise<void> {
  const client = new pg.Client({ connectionString: databaseUrl })
  await client.connect()
  const id = (n: string) => `(lpad(to_hex(${n}), 8, '0') || '-0000-4000-8000-000000000000')::uuid`
  const header = Buffer.from('{"alg":"dir","kid":"k1"}').toString('base64url')
  try {
    for (const text of [
      `insert into tenants (tenant_id, data_key) select ${id('n')}, '${header}.x' from generate_series(1, ${count}) n`,
      `insert into tenant_integrations (tenant_id, integration_id, status, hub_id, connected_at)
       select tenant_id, tenant_id, 'active', row_number() over (order by tenant_id), now() from tenants`,
      `insert into sync_streams (tenant_id, integration_id, kind, sync_type, watermark, next_run_at)
       select tenant_id, tenant_id, 'tickets', t, now(), now() + interval '1 hour' from tenants, unnest(array['full', 'incremental']) t`,
      `insert into sync_events (tenant_id, sync_event_id, integration_id, kind, sync_type, trigger, state, finished_at)
       select tenant_id, gen_random_uuid(), tenant_id, 'tickets', 'incremental', 'schedule', 'succeeded', now() from tenants, generate_series(1, 3)`,
      `insert into inboxes (tenant_id, integration_id, failures, not_before, awaits_hubspot)
       select tenant_id, tenant_id, 3, now() + interval '1 hour', true from tenants where tenant_id <= ${id(String(count >> 1))}`,
      `insert into inbox_entries (tenant_id, integration_id, due_at, ticket_ids, change, occurred_at)
       select tenant_id, tenant_id, now(), array['1'], 'propertyChange', now() from tenants, generate_series(1, 2) where tenant_id <= ${id(String(count >> 1))}`,
      `insert into endpoints (tenant_id, endpoint_id, url, in_order, secret) select tenant_id, tenant_id, 'https://example.com', false, 'x' from tenants`,
      `insert into deliveries (tenant_id, endpoint_id, seq, due_at)
       select tenant_id, tenant_id, n, now() + interval '1 hour' from tenants, generate_series(1, 2) n where tenant_id <= ${id(String(count >> 1))}`,
      'analyze',
    ])
      await client.query(text)
  } finally {
    await client.end()
  }
}
