/** What the doctor finds, on both engines: nothing in the schema as it is, each planted fault by name, each hole by the statement that succeeded. */
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { sql } from 'kysely'
import type { Database } from '../../src/db/database.ts'
import { expectedGrantLines } from '../../src/db/isolation/expected.ts'
import { catalogueFaults } from '../../src/doctor/catalogue.ts'
import { createFixtures, type Fixtures } from '../../src/doctor/fixtures.ts'
import { queryLiveTables } from '../../src/doctor/live-tables.ts'
import { tryStatementsAsTenant, tryStatementsBeyondGrants } from '../../src/doctor/try-statements.ts'
import { tryViewsAsReader } from '../../src/doctor/try-views.ts'
import { bothEngines, engines } from '../support/engines.ts'
import { plants, rolePlants } from './plants.ts'

const own = 'using (tenant_id = spoke_tenant()) with check (tenant_id = spoke_tenant())'

/** A fault, what undoes it, and how the statements report it. */
const holes: [string, string, RegExp][] = [
  [
    'create policy wide on labels for select to spoke_app using (true)',
    'drop policy wide on labels',
    /select on labels reached 1 rows of the other tenant/,
  ],
  [
    'alter table labels disable row level security',
    'alter table labels enable row level security',
    /delete on labels reached 1 rows/,
  ],
  [
    'alter policy own_tenant on labels with check (true)',
    `alter policy own_tenant on labels ${own}`,
    /insert on labels was not refused/,
  ],
  [
    'alter policy own_tenant on labels using (true)',
    `alter policy own_tenant on labels ${own}`,
    /merge on labels reached 1 rows/,
  ],
  [
    'grant truncate on labels to spoke_app',
    'revoke truncate on labels from spoke_app',
    /truncate on labels was not refused/,
  ],
  [
    // Together with own_tenant it would not be visible: planning that policy without a tenant fails.
    `alter policy own_tenant on labels using (coalesce(current_setting('spoke.tenant_id', true), '') in ('', tenant_id::text))`,
    `alter policy own_tenant on labels ${own}`,
    /without a tenant, select on labels was not refused/,
  ],
]

for (const engine of bothEngines) {
  // Roles belong to a whole server, which other tests use, so faults of roles are planted on PGlite only, in every run.
  const ofRoles = engine.name === 'PGlite' ? rolePlants : []
  const isWhole = engines.includes(engine)
  if (!isWhole && ofRoles.length === 0) continue
  describe(`isolation, examined on ${engine.name}`, () => {
    let db: Database
    let close: () => Promise<void>
    let fixtures: Fixtures
    before(async () => {
      ;({ db, close } = await engine.open())
      if (isWhole) fixtures = await createFixtures(db)
    })
    after(() => close())

    const run = async (statements: string[]) => {
      for (const statement of statements) await sql.raw(statement).execute(db.kysely)
    }

    test('it finds nothing wrong with the schema of the migrations', async () => {
      assert.deepEqual(await catalogueFaults(db, false), [])
    })

    for (const { fault, broken, undo, named } of [...(isWhole ? plants : []), ...ofRoles]) {
      test(`it names this: ${fault}`, async () => {
        await run(broken)
        const faults = await catalogueFaults(db, false)
        await run(undo)
        assert.match(faults.join('\n'), named)
      })
    }

    test('it finds nothing wrong after each was undone', async () => {
      assert.deepEqual(await catalogueFaults(db, false), [])
    })

    if (!isWhole) return

    const labels = () => ({ ...fixtures, tables: fixtures.tables.filter(({ name }) => name === 'labels') })

    test('every tenant table in the catalog has a row of both tenants', async () => {
      assert.deepEqual(fixtures.faults, [])
      const { rows } = await sql<{ name: string }>`
        select c.relname::text as name from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attname = 'tenant_id'
        where c.relkind = 'r' and c.relnamespace = current_schema()::regnamespace`.execute(db.kysely)
      for (const { name } of rows)
        for (const who of [fixtures.a, fixtures.b])
          assert.equal(who.rows[name]?.tenant_id, who.tenantId, name)
    })

    test('each hole is reported with the statement that succeeded', async () => {
      assert.deepEqual((await tryStatementsAsTenant(db, labels())).faults, [])
      for (const [broken, undo, named] of holes) {
        await sql.raw(broken).execute(db.kysely)
        const { faults } = await tryStatementsAsTenant(db, labels())
        await sql.raw(undo).execute(db.kysely)
        assert.match(faults.join('\n'), named, broken)
      }
      assert.deepEqual((await tryStatementsAsTenant(db, labels())).faults, [])
    })

    test('a role with more privileges than its list is named with what it did', async () => {
      await sql`grant select (label), delete on labels to spoke_system`.execute(db.kysely)
      const { faults } = await tryStatementsBeyondGrants(db, labels())
      await sql`revoke select (label), delete on labels from spoke_system`.execute(db.kysely)
      assert.deepEqual(faults, [
        'as spoke_system, select of label on labels was not refused',
        'as spoke_system, delete on labels was not refused',
      ])
    })

    test('the views show a reader one tenant, and what shows more is reported', async () => {
      const played = await tryViewsAsReader(db, labels())
      assert.deepEqual(played.faults, [])
      assert.ok(played.count > 20)
      const { rows } = await sql<{ text: string }>`
        select pg_get_viewdef('spoke_views.labels'::regclass) as text`.execute(db.kysely)
      const view = rows[0]?.text ?? ''
      const open = [
        'alter policy read_login_tenant on labels using (true)',
        `create or replace view spoke_views.labels as ${view.replace(/WHERE[\s\S]*$/, '')}`,
        'grant select on labels to spoke_reader',
      ]
      await run(open)
      const { faults, leaked } = await tryViewsAsReader(db, labels())
      await run([
        'alter policy read_login_tenant on labels using (tenant_id = spoke_login_tenant())',
        `create or replace view spoke_views.labels as ${view}`,
        'revoke select on labels from spoke_reader',
      ])
      assert.ok(leaked >= 2)
      assert.match(faults.join('\n'), /as a reader, select on view labels reached 1 rows of the other tenant/)
      assert.match(faults.join('\n'), /as a reader, select on labels was not refused/)
      assert.deepEqual((await tryViewsAsReader(db, labels())).faults, [])
    })

    test('a table for which no row can be made is a fault, not a gap', async () => {
      await sql`create table odd (tenant_id uuid primary key, code text not null check (code ~ '^[0-9]+$'))`.execute(
        db.kysely,
      )
      const { faults } = await createFixtures(db)
      await sql`drop table odd`.execute(db.kysely)
      assert.equal(faults.length, 1)
      assert.match(
        String(faults[0]),
        /^table odd was not rehearsed, no row could be created: .*odd_code_check/,
      )
    })

    test('the check of live tables is clean, names an open one, and writes nothing', async () => {
      assert.deepEqual((await queryLiveTables(db)).faults, [])
      await sql`create policy wide on issues for select to spoke_app using (true)`.execute(db.kysely)
      const { faults, leaked } = await queryLiveTables(db)
      await sql`drop policy wide on issues`.execute(db.kysely)
      assert.ok(leaked > 0)
      assert.ok(faults.includes('as a tenant that owns nothing, rows of table issues are visible'))
    })
  })
}

test('the lists are read as grants on tables and on columns', () => {
  assert.ok(expectedGrantLines('spoke_system').includes('tenants.key_id SELECT'))
  assert.ok(expectedGrantLines('spoke_app').includes('issues DELETE'))
})
