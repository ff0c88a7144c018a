/** Retention on both engines: what is deleted, what stays at any age, and that a failing tenant does not affect others. */
import assert from 'node:assert/strict'
import { after, before, beforeEach, describe, test } from 'node:test'
import { type RawBuilder, sql } from 'kysely'
import { deleteExpiredIdempotencyKeys } from '../../src/api/idempotency-store.ts'
import type { Database } from '../../src/db/database.ts'
import { type TenantScope, withSystem, withTenant } from '../../src/db/scope.ts'
import { deleteOldProblems, deleteOldTombstones } from '../../src/issues/tombstone-retention-store.ts'
import { upsertIssues } from '../../src/issues/upsert-store.ts'
import { systemClock } from '../../src/lib/clock.ts'
import { deleteOldSyncEvents } from '../../src/sync/event-retention-store.ts'
import { beginErasure } from '../../src/tenants/erasure.ts'
import { claimPeriodicTask } from '../../src/tenants/periodic-task-store.ts'
import { runRetentionPass } from '../../src/worker/retention.ts'
import { engines, quiet } from '../support/engines.ts'
import { onlyLong } from '../support/long.ts'
import { type RetentionPeriods, retentionHooks } from '../support/retention-hooks.ts'
import { A, B, issueRow, seedTenant } from '../support/rows.ts'

const day = 86_400_000
const keep90 = 90 * day

for (const engine of engines) {
  describe(`retention on ${engine.name}`, engine.name === 'PGlite' ? onlyLong : {}, () => {
    let db: Database
    let close: () => Promise<void>
    let integration: string
    before(async () => {
      ;({ db, close } = await engine.open())
      integration = await seedTenant(db, A)
      await seedTenant(db, B)
    })
    after(() => close())
    beforeEach(() => sql`delete from periodic_tasks`.execute(db.kysely))

    const run = (keep: Partial<RetentionPeriods> = {}) =>
      runRetentionPass(
        {
          db,
          hooks: () =>
            retentionHooks({
              syncEventsMs: keep90,
              inboxMs: keep90,
              changesMs: keep90,
              problemsMs: keep90,
              archivedMs: undefined,
              ...keep,
            }),
          clock: systemClock,
          log: quiet,
        },
        new AbortController().signal,
      )
    const owner = async <Row>(statement: RawBuilder<Row>) => (await statement.execute(db.kysely)).rows
    const count = async (table: string, where: string) =>
      (await owner(sql.raw<{ n: number }>(`select count(*)::int as n from ${table} where ${where}`)))[0]?.n
    /** Runs requested this many days ago. */
    const addEvents = (days: number, howMany: number, state = 'succeeded') =>
      owner(sql`
        insert into sync_events (tenant_id, sync_event_id, integration_id, kind, sync_type, trigger, state, requested_at, finished_at)
        select ${A}, (lpad(to_hex((extract(epoch from now() - ${days}::int * interval '1 day') * 1000)::bigint), 12, '0')
            || '7' || lpad(to_hex(n), 3, '0') || '8' || lpad(to_hex(n), 15, '0'))::uuid,
          ${integration}, 'tickets', 'incremental', 'schedule', ${state}, now() - ${days}::int * interval '1 day',
          case when ${state} in ('queued', 'running', 'waiting') then null else now() - ${days}::int * interval '1 day' end
        from generate_series(1, ${howMany}::int) n`)

    test('runs that ended 90 days ago are deleted, newer ones and those that never ended stay', async () => {
      await addEvents(91, 2_500)
      await addEvents(89, 10)
      await addEvents(400, 1, 'waiting')
      await run()
      assert.equal(await count('sync_events', `finished_at < now() - interval '90 days'`), 0)
      assert.equal(await count('sync_events', `finished_at is not null`), 10)
      assert.equal(await count('sync_events', `state = 'waiting'`), 1)
      await addEvents(91, 3)
      await run({ syncEventsMs: undefined })
      assert.equal(await count('sync_events', `finished_at < now() - interval '90 days'`), 3, 'for good')
    })

    test('the deliveries of a change are deleted in the pass that deletes the change', async () => {
      await owner(sql`insert into changes (tenant_id, seq, type, at)
        select ${A}, 1000 + n, 'issue.updated', now() - interval '91 days' from generate_series(1, 3) n`)
      await owner(sql`insert into deliveries (tenant_id, endpoint_id, seq, due_at)
        select ${A}, ${A}, 1000 + n, 'infinity' from generate_series(1, 3) n`)
      await owner(sql`delete from changes where tenant_id = ${A} and seq < 1000`)
      await run()
      assert.equal(await count('changes', `seq > 1000`), 1, 'the newest of the old ones stays')
      assert.equal(await count('deliveries', `seq > 1000`), 1)
    })

    test('a problem is deleted when no read has returned its record for as long', async () => {
      await owner(sql`insert into record_problems (tenant_id, integration_id, kind, record_id, state, reason, found_at)
        select ${A}, ${integration}, 'tickets', id, 'quarantined', 'a test', now() - interval '91 days'
        from unnest(array['gone', 'shown', 'old-sight']) id`)
      await owner(sql`insert into issue_last_seen (tenant_id, integration_id, ticket_id, seen_at)
        values (${A}, ${integration}, 'shown', now()), (${A}, ${integration}, 'old-sight', now() - interval '95 days')`)
      await run()
      const left = await owner(sql<{ id: string }>`
        select record_id as id from record_problems where tenant_id = ${A} order by 1`)
      assert.deepEqual(
        left.map(({ id }) => id),
        ['3', 'shown'],
      )
    })

    test('stored responses, authorizations and unfinished connects are deleted, also those without a tenant', async () => {
      const nobody = 'dddddddd-dddd-4ddd-8ddd-dddddddddddd'
      await owner(sql`insert into idempotency_keys (tenant_id, key_hash, claim, salt, request_hash, expires_at)
        select t::uuid, 'old' || n, gen_random_uuid(), 's', 'r', now() - interval '1 second'
        from unnest(array[${A}::text, ${nobody}::text]) t, generate_series(1, 2100) n`)
      await owner(
        sql`update authorizations set expires_at = now() - interval '1 minute' where tenant_id = ${A}`,
      )
      await owner(sql`insert into tenant_integrations (tenant_id, integration_id, status, created_at)
        values (${A}, gen_random_uuid(), 'pending', now() - interval '1 hour')`)
      await owner(
        sql`update sessions set last_used_at = now() - interval '31 minutes' where tenant_id = ${A}`,
      )
      await run()
      assert.deepEqual(await owner(sql`select tenant_id from sessions`), [{ tenant_id: B }])
      assert.equal(await count('idempotency_keys', `key_hash like 'old%'`), 0)
      assert.equal(await count('idempotency_keys', 'true'), 2)
      assert.equal(await count('authorizations', `tenant_id = '${A}'`), 0)
      assert.equal(await count('authorizations', `tenant_id = '${B}'`), 1)
      assert.equal(await count('tenant_integrations', `status = 'pending'`), 0)
    })

    test('tombstones stay for good, unless configured; then those that no read returns are deleted, and a later read restores them', async () => {
      const long = new Date(Date.now() - 200 * day)
      const archived = (id: string) =>
        issueRow(id, { archived: true, archived_at: long.toISOString(), modified_at: long.toISOString() })
      const rows = ['50', '51', '52'].map(archived)
      const keepAll = (at: Date) =>
        withTenant(db, A, (scope) => upsertIssues(scope, integration, [...rows, issueRow('60')], at))
      await keepAll(long)
      await withTenant(db, A, (scope) => upsertIssues(scope, integration, [archived('51')], new Date()))
      const ids = async () =>
        (
          await owner(sql<{ id: string }>`
            select ticket_id as id from issues where ticket_id >= '50' and ticket_id < '7' order by 1`)
        ).map(({ id }) => id)
      await run()
      assert.deepEqual(await ids(), ['50', '51', '52', '60'], 'stored for good')
      await run({ archivedMs: 100 * day })
      assert.deepEqual(await ids(), ['51', '60'], 'the one that HubSpot still lists, and the live one')
      const saved = await withTenant(db, A, (scope) => upsertIssues(scope, integration, rows, new Date()))
      assert.deepEqual(
        saved.map(({ outcome }) => outcome),
        ['archived', 'unchanged', 'archived'],
      )
    })

    test('budgets are deleted a day after the last call when no integration is connected to the account', async () => {
      await owner(sql`insert into budgets (app, hub_id, bucket, next_slot_at, closed_until)
        select 'pasted', p, 'calls', now() - interval '2 days', c from (values
          (4242, 'epoch'::timestamptz), (9001, 'epoch'), (9002, now() + interval '1 hour')) v(p, c)
        union all select 'pasted', 9003, 'calls', now(), 'epoch'`)
      await run()
      assert.deepEqual(
        (await owner(sql<{ p: number }>`select hub_id as p from budgets order by 1`)).map(({ p }) => p),
        [4242, 9002, 9003],
      )
    })

    test('a tenant that fails, or is being erased, does not block the others', async () => {
      await addEvents(91, 5)
      await owner(sql`insert into sync_events (tenant_id, sync_event_id, integration_id, kind, sync_type, trigger, state, finished_at)
        select tenant_id, '00000000-0000-7000-8000-000000000001', integration_id, 'tickets', 'full', 'api', 'failed',
          now() - interval '99 days' from tenant_integrations where tenant_id = ${B}`)
      await owner(sql`create function stuck() returns trigger language plpgsql as
        $$ begin if old.tenant_id = 'aaaaaaaa-aaaa-4aaa-8aaa-aaaaaaaaaaaa' then raise exception 'stuck'; end if; return old; end $$`)
      await owner(
        sql`create trigger stuck before delete on sync_events for each row execute function stuck()`,
      )
      await run()
      assert.equal(
        await count('sync_events', `tenant_id = '${B}' and finished_at < now() - interval '90 days'`),
        0,
      )
      await owner(sql`drop function stuck() cascade`)
      await beginErasure(db, B)
      await run()
      assert.equal(await count('sync_events', `finished_at < now() - interval '90 days'`), 0)
    })

    test('one process runs retention, until it is due again', async () => {
      const take = (everyMs: number) => withSystem(db, (scope) => claimPeriodicTask(scope, 'x', everyMs))
      assert.deepEqual([await take(60_000), await take(60_000)], [true, false])
      await owner(sql`update periodic_tasks set due_at = now() - interval '1 second'`)
      assert.equal(await take(0), true)
      await new Promise((resolve) => setTimeout(resolve, 5))
      assert.equal(await take(0), true)
    })

    test('each deletion finds its rows by an index, in the tenant role', async () => {
      await sql`analyze`.execute(db.kysely)
      const plans = await withTenant(db, A, async (scope) => {
        await scope.query(sql`set local enable_seqscan = off`)
        const seen: string[] = []
        const query: TenantScope['query'] = async (statement) => {
          seen.push(JSON.stringify(await scope.query(sql`explain (costs off) ${statement}`)))
          return await scope.query(statement)
        }
        const looked = { ...scope, query }
        await deleteOldSyncEvents(looked, keep90, 2_000)
        await deleteOldProblems(looked, keep90, 2_000)
        await deleteOldTombstones(looked, integration, keep90, 2_000)
        await deleteExpiredIdempotencyKeys(looked, 2_000)
        return seen
      })
      const expected = [
        /sync_events_pkey/,
        /record_problems_found/,
        /issues_archived_at/,
        /idempotency_keys_expiry/,
      ]
      for (const [at, plan] of plans.entries()) {
        assert.match(plan, expected[at] as RegExp)
        assert.doesNotMatch(plan, /Seq Scan/)
      }
    })
  })
}
