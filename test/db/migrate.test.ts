/** Migrations over data: a database of a build before this one, with rows in every table, is brought up to date as it stands. */
import assert from 'node:assert/strict'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { before, test } from 'node:test'
import { type Kysely, sql } from 'kysely'
import { Migrator } from 'kysely/migration'
import { type Database, openDatabase, openInMemory } from '../../src/db/database.ts'
import { isolationFaults } from '../../src/db/isolation/check-isolation.ts'
import { migrate, statementsOf } from '../../src/db/migrate.ts'
import { withTenant } from '../../src/db/scope.ts'
import { dataInventory } from '../../src/tenants/data-inventory.ts'
import { beginErasure } from '../../src/tenants/erasure.ts'
import { tenantExists } from '../../src/tenants/store.ts'
import { postgres, quiet } from '../support/engines.ts'
import { eraseNow, tablesWith } from '../support/erasing.ts'
import { newPostgresDatabase } from '../support/postgres.ts'
import { A, B, seedTenant } from '../support/rows.ts'

const folder = join(import.meta.dirname, '../../migrations')
const files = readdirSync(folder).sort()
/** Where the build before stood. */
const before0018 = '0017-oauth-confirmation'

/** As a build would have left it whose newest migration was `last`. */
async function migrateUpTo(db: Database, last: string): Promise<void> {
  const then = files.map((file) => file.replace(/\.sql$/, '')).filter((name) => name <= last)
  const migrator = new Migrator({
    db: db.kysely,
    migrationTableName: 'spoke_migrations',
    migrationLockTableName: 'spoke_migrations_lock',
    provider: {
      getMigrations: async () =>
        Object.fromEntries(
          then.map((name) => [
            name,
            {
              async up(trx: Kysely<unknown>) {
                for (const statement of statementsOf(readFileSync(join(folder, `${name}.sql`), 'utf8')))
                  await sql.raw(statement).execute(trx)
              },
            },
          ]),
        ),
    },
  })
  const { error, results } = await migrator.migrateToLatest()
  if (error) throw error
  assert.equal(results?.at(-1)?.migrationName, last)
}

/** A table's columns but for those that follow from others. */
const writable = async (db: Database, table: string): Promise<string[]> =>
  (
    await sql<{ name: string }>`
      select attname::text as name from pg_attribute
      where attrelid = to_regclass(${table}) and attnum > 0 and not attisdropped and attgenerated = ''`.execute(
      db.kysely,
    )
  ).rows.map(({ name }) => name)

type Row = Record<string, unknown>
type Rows = Map<string, Row[]>

const rowsIn = async (db: Database, table: string): Promise<Row[]> =>
  (
    await sql<{ row: Row }>`select to_jsonb(t) as row from ${sql.table(table)} t order by t::text`.execute(
      db.kysely,
    )
  ).rows.map(({ row }) => row)

/** What two tenants have in every table, made by this build. */
let seeded: Rows
before(async () => {
  const { db, close } = await postgres.open()
  await seedTenant(db, A)
  await seedTenant(db, B)
  seeded = new Map()
  for (const { table } of dataInventory) seeded.set(table, await rowsIn(db, table))
  await close()
})

async function databases(): Promise<[name: string, db: Database, close: () => void][]> {
  const dataDir = mkdtempSync(join(tmpdir(), 'spoke-migrate-'))
  const url = await newPostgresDatabase('template0')
  return [
    ['PostgreSQL', await openDatabase({ url, dataDir, poolSize: 2 }, quiet), () => {}],
    ['PGlite', await openInMemory(), () => rmSync(dataDir, { recursive: true })],
  ]
}

test('from 0017 on, with two tenants’ rows in every table, nothing is lost and a tenant can leave', async () => {
  for (const [engine, db, close] of await databases()) {
    await migrateUpTo(db, before0018)
    const then: Rows = new Map()
    for (const [table, rows] of seeded) {
      const there = await writable(db, table)
      // Came later.
      if (there.length === 0) continue
      const columns = sql.join(there.map((name) => sql.ref(name)))
      await sql`
        insert into ${sql.table(table)} (${columns})
        select ${columns} from jsonb_populate_recordset(null::${sql.table(table)}, ${JSON.stringify(rows)}::jsonb)`.execute(
        db.kysely,
      )
      then.set(table, await rowsIn(db, table))
      assert.ok(then.get(table)?.length, `${engine}: ${table}`)
    }
    assert.ok(then.size >= 17, `${then.size} tables`)

    const applied = await migrate(db)
    assert.deepEqual(
      applied,
      files.map((file) => file.replace(/\.sql$/, '')).filter((name) => name > before0018),
    )
    for (const [table, rows] of then) {
      const known = new Set(Object.keys(rows[0] as Row))
      const now = (await rowsIn(db, table)).map((row) =>
        Object.fromEntries(Object.entries(row).filter(([name]) => known.has(name))),
      )
      assert.deepEqual(byText(now), byText(rows), `${engine}: ${table}`)
    }
    assert.deepEqual(await isolationFaults(db, false), [], engine)
    assert.equal(await withTenant(db, A, tenantExists), true)
    await beginErasure(db, A)
    await eraseNow(db)
    assert.deepEqual(await tablesWith(db, A), [], engine)
    assert.equal(await withTenant(db, B, tenantExists), true)
    await db.close()
    close()
  }
})

const byText = (rows: Row[]) => rows.map((row) => JSON.stringify(row)).sort()
