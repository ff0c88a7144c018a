/** Tenant isolation, on both engines: what each role can access, and that broken isolation prevents the start. */
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { sql } from 'kysely'
import type { Database } from '../../src/db/database.ts'
import { isolationBypassWarnings } from '../../src/db/isolation/bypass.ts'
import { isolationFaults } from '../../src/db/isolation/check-isolation.ts'
import { withSystem, withTenant } from '../../src/db/scope.ts'
import type { TenantId } from '../../src/db/tenant-id.ts'
import { inTransaction } from '../../src/db/transaction.ts'
import { bothEngines } from '../support/engines.ts'
import { A, B, seedTenant } from '../support/rows.ts'

const codeOf = (error: unknown) => (error as { code?: string }).code

for (const engine of bothEngines) {
  describe(`isolation on ${engine.name}`, () => {
    let db: Database
    let close: () => Promise<void>
    let tables: string[]
    before(async () => {
      ;({ db, close } = await engine.open())
      await seedTenant(db, A)
      await seedTenant(db, B)
      const { rows } = await sql<{ name: string }>`
        select c.relname as name from pg_class c
        join pg_attribute a on a.attrelid = c.oid and a.attname = 'tenant_id'
        where c.relkind in ('r', 'p') and c.relnamespace = current_schema()::regnamespace order by 1`.execute(
        db.kysely,
      )
      tables = rows.map(({ name }) => name)
    })
    after(() => close())

    const asTenant = (tenantId: TenantId, statement: string) =>
      withTenant(db, tenantId, ({ query }) => query(sql.raw<Record<string, unknown>>(statement)))

    test('the seed has a row of each tenant in each table, so that the matrix below means something', async () => {
      assert.ok(tables.length >= 8, tables.join())
      for (const table of tables) {
        const { rows } = await sql
          .raw<{ n: number }>(`select count(distinct tenant_id)::int as n from ${table}`)
          .execute(db.kysely)
        assert.equal(rows[0]?.n, 2, table)
      }
    })

    test('a tenant reads its own rows and no others, in every table', async () => {
      for (const table of tables) {
        const rows = await asTenant(A, `select tenant_id from ${table}`)
        assert.ok(rows.length > 0, table)
        assert.deepEqual([...new Set(rows.map((row) => row.tenant_id))], [A], table)
      }
    })

    test('a tenant reads its own rows of the view, and nobody does without a tenant', async () => {
      const read = sql<{ tenant_id: string }>`select distinct tenant_id from own_issue_terms`
      for (const tenant of [A, B])
        assert.deepEqual(await withTenant(db, tenant, ({ query }) => query(read)), [{ tenant_id: tenant }])
      await assert.rejects(
        db.transaction(['set local role spoke_app'], (query) => query(read)),
        /no tenant context/,
      )
      await assert.rejects(
        withSystem(db, ({ query }) => query(read)),
        /permission denied/,
      )
    })

    test('an update or delete without a where clause touches own rows only, where it is granted at all', async () => {
      for (const table of tables) {
        for (const statement of [`update ${table} set tenant_id = tenant_id`, `delete from ${table}`]) {
          const before = await countOf(db, table, B)
          const undo = new Error('undo')
          await withTenant(db, A, async ({ query }) => {
            await query(sql.raw(statement))
            throw undo
          }).catch((error: unknown) =>
            assert.ok(error === undo || codeOf(error) === '42501', `${statement}: ${error}`),
          )
          assert.equal(await countOf(db, table, B), before, statement)
        }
      }
    })

    test('a row of another tenant can neither be written nor taken over', async () => {
      for (const table of tables) {
        const { rows } = await sql
          .raw<{ columns: string }>(
            `select string_agg(quote_ident(attname), ', ' order by attnum) as columns from pg_attribute
           where attrelid = '${table}'::regclass and attnum > 0 and attname <> 'tenant_id'
             and not attisdropped and attgenerated = ''`,
          )
          .execute(db.kysely)
        const { columns } = rows[0] as { columns: string }
        const insert = `insert into ${table} (tenant_id, ${columns}) select '${B}', ${columns} from ${table} limit 1`
        await assert.rejects(asTenant(A, insert), (error) => codeOf(error) === '42501', insert)
        const move = `update ${table} set tenant_id = '${B}'`
        await assert.rejects(asTenant(A, move), (error) => codeOf(error) === '42501', move)
      }
    })

    test('without a tenant, or with an empty one, every table raises instead of meaning all', async () => {
      for (const table of tables) {
        for (const prelude of [
          ['set local role spoke_app'],
          ['set local role spoke_app', `set local spoke.tenant_id = ''`],
        ]) {
          const read = inTransaction(db, prelude, (query) => query(sql.raw(`select * from ${table}`)))
          await assert.rejects(read, (error) => codeOf(error) === 'SP001', table)
        }
      }
    })

    test('a tenant set in one unit of work is not set in the next', async () => {
      await asTenant(A, 'select 1')
      const read = inTransaction(db, ['set local role spoke_app'], (query) =>
        query(sql`select * from issues`),
      )
      await assert.rejects(read, (error) => codeOf(error) === 'SP001')
    })

    test('text that is no UUID is refused before any statement, whatever its type', async () => {
      for (const text of ['', 'x', `${A}'; set local spoke.tenant_id = '${B}`, `${A} `, `${A}'--`]) {
        let ran = false
        const unit = withTenant(db, text as TenantId, async () => {
          ran = true
        })
        await assert.rejects(
          unit,
          (error) => error instanceof TypeError && /not a UUID/.test(error.message),
          text,
        )
        assert.equal(ran, false, text)
      }
    })

    test('the system role sees ids and times on the routing tables, and no tenant content', async () => {
      const asSystem = (statement: string) => withSystem(db, ({ query }) => query(sql.raw(statement)))
      assert.equal((await asSystem('select tenant_id, integration_id from account_routes')).length, 2)
      assert.equal((await asSystem('select tenant_id, epoch, next_run_at from sync_streams')).length, 2)
      assert.equal((await asSystem('select created_by from sessions')).length, 2)
      assert.equal((await asSystem('select login, tenant_id from sql_logins')).length, 2)
      assert.equal((await asSystem('select tenant_id, integration_id, due_at from inbox_entries')).length, 2)
      assert.equal((await asSystem('select tenant_id, lease_until, not_before from inboxes')).length, 2)
      assert.equal((await asSystem('select tenant_id, last_seq from change_counters')).length, 2)
      const closed = [
        ...tables
          .filter(
            (table) =>
              !['change_counters', 'account_routes', 'sessions', 'sql_logins', 'sync_streams'].includes(
                table,
              ),
          )
          .map((table) => `select * from ${table}`),
        'delete from sql_logins',
        'update sql_logins set tenant_id = tenant_id',
        'select cursor from sync_streams',
        'select watermark from sync_streams',
        'select ticket_ids from inbox_entries',
        'update change_counters set last_seq = 0',
        'select change from inbox_entries',
        'update inbox_entries set due_at = now()',
        'delete from inbox_entries',
        'select last_received_at from inboxes',
        'update inboxes set lease_until = null',
        'delete from account_routes',
        'update sessions set expires_at = now()',
        'update sessions set tenant_id = null',
        "update sessions set scopes = '{manage}'",
        'update sync_streams set epoch = 1',
        `insert into account_routes (hub_id, tenant_id, integration_id) values (1, '${A}', '${A}')`,
      ]
      for (const statement of closed) {
        await assert.rejects(asSystem(statement), (error) => codeOf(error) === '42501', statement)
      }
    })

    test('no role can create temporary tables, and an existing one does not mislead our functions', async () => {
      const shadow = 'create temporary table tenants (tenant_id uuid, erasing_at timestamptz) on commit drop'
      await assert.rejects(asTenant(A, shadow), { code: '42501' })
      assert.deepEqual(await isolationBypassWarnings(db), [])
      const prelude = [
        shadow,
        `insert into pg_temp.tenants values ('${A}', now())`,
        'grant select on pg_temp.tenants to spoke_app',
        'set local role spoke_app',
        `set local spoke.tenant_id = '${A}'`,
      ]
      // It would find the tenant marked.
      await inTransaction(db, prelude, (query) => query(sql`select spoke_begin_tenant()`))
      const { rows } = await sql<{ name: string }>`select quote_ident(current_database()) as name`.execute(
        db.kysely,
      )
      const name = rows[0]?.name
      await sql.raw(`grant temporary on database ${name} to public`).execute(db.kysely)
      assert.match(String(await isolationBypassWarnings(db)), /revoke temporary on database .* from public/)
      await sql.raw(`revoke temporary on database ${name} from public`).execute(db.kysely)
    })

    test('TRUNCATE, which bypasses every policy, is granted on no table', async () => {
      for (const table of tables) {
        await assert.rejects(
          asTenant(A, `truncate ${table} cascade`),
          (error) => codeOf(error) === '42501',
          table,
        )
      }
    })

    test('tenant_id leads each primary key and unique key of a tenant’s table, and each index but four, and no foreign key leaves the tenant', async () => {
      const { rows } = await sql<{ index: string; table: string; leads: string }>`
        select i.relname as index, t.relname as table, a.attname as leads
        from pg_index x
        join pg_class i on i.oid = x.indexrelid
        join pg_class t on t.oid = x.indrelid and t.relnamespace = current_schema()::regnamespace
        join pg_attribute a on a.attrelid = t.oid and a.attnum = x.indkey[0]
        where obj_description(t.oid) like 'distributed%'`.execute(db.kysely)
      assert.ok(rows.length >= 8)
      // Those that the polls of the workers read across tenants, and one whose keys are each tenant's own.
      assert.deepEqual(
        rows
          .filter(({ leads }) => leads !== 'tenant_id')
          .map(({ index, leads }) => `${index} ${leads}`)
          .sort(),
        [
          'inboxes_awaiting not_before',
          'issue_terms_found words',
          'sync_streams_awaiting not_before',
          'sync_streams_due sync_type',
        ],
      )
      const foreign = await sql<{ name: string; own: boolean }>`
        select c.conname as name, a.attname = 'tenant_id' and f.attname = 'tenant_id' as own
        from pg_constraint c
        join pg_attribute a on a.attrelid = c.conrelid and a.attnum = c.conkey[1]
        join pg_attribute f on f.attrelid = c.confrelid and f.attnum = c.confkey[1]
        where c.contype = 'f' and c.connamespace = current_schema()::regnamespace`.execute(db.kysely)
      assert.ok(foreign.rows.length >= 5)
      assert.deepEqual(
        foreign.rows.filter(({ own }) => !own),
        [],
      )
    })

    test('the start-up check passes on the schema as it is, and names each way to break isolation', async () => {
      assert.deepEqual(await isolationFaults(db, false), [])
      const breaks: [string, string, RegExp][] = [
        [
          'alter table issues no force row level security',
          'alter table issues force row level security',
          /issues does not FORCE/,
        ],
        [
          'alter table issues disable row level security',
          'alter table issues enable row level security',
          /issues has no row level security/,
        ],
        [
          'alter policy own_tenant on issues rename to x; alter policy x on issues with check (true)',
          `alter policy x on issues with check (tenant_id = spoke_tenant()); alter policy x on issues rename to own_tenant`,
          /issues has no policy for reading and writing/,
        ],
        [
          'create policy wide on issues for select to spoke_app using (true)',
          'drop policy wide on issues',
          /issues has an unexpected policy: wide/,
        ],
        [
          'create policy wide on issues for select using (true)',
          'drop policy wide on issues',
          /issues has an unexpected policy: wide/,
        ],
        [
          'grant truncate on issues to spoke_app',
          'revoke truncate on issues from spoke_app',
          /issues has an unexpected grant: TRUNCATE for spoke_app/,
        ],
        [
          'grant select on issues to public',
          'revoke select on issues from public',
          /issues has an unexpected grant: SELECT for public/,
        ],
        [
          'grant insert on sync_streams to spoke_system',
          'revoke insert on sync_streams from spoke_system',
          /INSERT for spoke_system/,
        ],
        [
          'alter policy own_tenant on issues using (tenant_id = spoke_tenant() or true)',
          'alter policy own_tenant on issues using (tenant_id = spoke_tenant())',
          /issues has no policy for reading and writing/,
        ],
        [
          'create policy late on issues for update to spoke_app with check (true)',
          'drop policy late on issues',
          /issues has an unexpected policy: late/,
        ],
        [
          'grant select on issues to spoke_system',
          'revoke select on issues from spoke_system',
          /SELECT for spoke_system/,
        ],
        [
          'grant update (tenant_id) on sync_streams to spoke_system',
          'revoke update (tenant_id) on sync_streams from spoke_system',
          /sync_streams.tenant_id has an unexpected grant: UPDATE for spoke_system/,
        ],
        [
          'grant select (cursor) on sync_streams to spoke_system',
          'revoke select (cursor) on sync_streams from spoke_system',
          /sync_streams.cursor has an unexpected grant/,
        ],
        [
          'create view seen as select * from issues',
          'drop view seen',
          /view seen may show the rows of every tenant/,
        ],
        [
          'create or replace view own_issue_terms as select one.tenant_id, one.integration_id, one.ticket_id, one.words, one.terms from issue_terms one',
          'create or replace view own_issue_terms as select one.tenant_id, one.integration_id, one.ticket_id, one.words, one.terms from issue_terms one where one.tenant_id = spoke_tenant()',
          /view own_issue_terms differs from the one in the migrations/,
        ],
        [
          'alter view own_issue_terms owner to current_user',
          'alter view own_issue_terms owner to spoke_search',
          /view own_issue_terms is owned by .*, not by spoke_search/,
        ],
        [
          'alter view own_issue_terms rename to kept',
          'alter view kept rename to own_issue_terms',
          /view own_issue_terms is missing/,
        ],
        [
          'create table spare (); alter table spare owner to spoke_search',
          'drop table spare',
          /role spoke_search owns spare/,
        ],
        [
          'grant select on issues to spoke_search',
          'revoke select on issues from spoke_search',
          /issues has an unexpected grant: SELECT for spoke_search/,
        ],
        [
          'alter role spoke_search bypassrls',
          'alter role spoke_search nobypassrls',
          /role spoke_search has attributes that it must not have/,
        ],
        [
          `create function owner_reads() returns bigint language sql security definer as 'select count(*) from issues'`,
          'drop function owner_reads()',
          /function owner_reads runs with the rights of its owner/,
        ],
        [
          `alter function spoke_tenant() rename to kept; create function spoke_tenant() returns uuid language sql stable as $$ select null::uuid $$`,
          'drop function spoke_tenant(); alter function kept() rename to spoke_tenant',
          /spoke_tenant\(\) differs from the one in the migrations/,
        ],
        [
          'grant update (actor) on audit_events to spoke_app',
          'revoke update (actor) on audit_events from spoke_app',
          /audit_events.actor has an unexpected grant: UPDATE for spoke_app/,
        ],
        [
          'grant delete on audit_events to spoke_app',
          'revoke delete on audit_events from spoke_app',
          /audit_events has an unexpected grant: DELETE for spoke_app/,
        ],
        [
          'grant delete on operator_audit to spoke_system',
          'revoke delete on operator_audit from spoke_system',
          /operator_audit has an unexpected grant: DELETE for spoke_system/,
        ],
        [
          'grant select on operator_audit to spoke_app',
          'revoke select on operator_audit from spoke_app',
          /operator_audit has an unexpected grant: SELECT for spoke_app/,
        ],
        [
          'grant delete on tenants to spoke_app',
          'revoke delete on tenants from spoke_app',
          /tenants has an unexpected grant: DELETE for spoke_app/,
        ],
        [
          'grant update (erasing_at) on tenants to spoke_app',
          'revoke update (erasing_at) on tenants from spoke_app',
          /tenants.erasing_at has an unexpected grant: UPDATE for spoke_app/,
        ],
        [
          'grant select on issues to spoke_eraser',
          'revoke select on issues from spoke_eraser',
          /issues has an unexpected grant: SELECT for spoke_eraser/,
        ],
        [
          'alter policy erase_marked on tenants using (true)',
          'alter policy erase_marked on tenants using (tenant_id = spoke_tenant() and erasing_at is not null)',
          /tenants has an unexpected policy: erase_marked/,
        ],
        [
          `alter function spoke_begin_tenant() rename to kept; create function spoke_begin_tenant() returns void language sql as $$ select $$`,
          'drop function spoke_begin_tenant(); alter function kept() rename to spoke_begin_tenant',
          /spoke_begin_tenant\(\) differs from the one in the migrations/,
        ],
        [
          'alter function spoke_erasing() reset search_path',
          'alter function spoke_erasing() set search_path = public, pg_temp',
          /spoke_erasing\(\) differs from the one in the migrations/,
        ],
        [
          'create table leak (tenant_id uuid)',
          'drop table leak',
          /leak has no row level security, and is not one of Spoke’s/,
        ],
      ]
      // Roles belong to the whole server, so this test needs a server of its own.
      if (engine.name === 'PGlite') {
        breaks.push([
          'grant spoke_system to spoke_app',
          'revoke spoke_system from spoke_app',
          /role spoke_app is a member of spoke_system/,
        ])
      }
      for (const [broken, undo, expected] of breaks) {
        for (const statement of broken.split('; ')) await sql.raw(statement).execute(db.kysely)
        const faults = await isolationFaults(db, false)
        for (const statement of undo.split('; ')) await sql.raw(statement).execute(db.kysely)
        assert.match(faults.join('\n'), expected, broken)
      }
      assert.deepEqual(await isolationFaults(db, false), [])
    })
  })
}

async function countOf(db: Database, table: string, tenantId: string): Promise<number> {
  const { rows } = await sql
    .raw<{ n: number }>(`select count(*)::int as n from ${table} where tenant_id = '${tenantId}'`)
    .execute(db.kysely)
  return rows[0]?.n as number
}
