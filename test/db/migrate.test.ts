/** Database migrations: all or none, once, and never on the schema of a newer build. */
import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { sql } from 'kysely'
import type { Database } from '../../src/db/database.ts'
import { openInMemory } from '../../src/db/embedded.ts'
import { isolationFaults } from '../../src/db/isolation/check-isolation.ts'
import { currentMigration, migrate, newestMigration, statementsOf } from '../../src/db/migrate.ts'
import { openDatabase } from '../../src/db/open-database.ts'
import { quiet } from '../support/engines.ts'
import { newPostgresDatabase } from '../support/postgres.ts'

const all = readdirSync(join(import.meta.dirname, '../../migrations'))
  .map((file) => file.replace(/\.sql$/, ''))
  .sort()

const onServer = (url: string) => openDatabase({ url, dataDir: '', poolSize: 2 }, quiet)

/** Each engine's empty database. */
const empty: [name: string, open: () => Promise<Database>][] = [
  ['PostgreSQL', async () => onServer(await newPostgresDatabase('template0'))],
  ['PGlite', openInMemory],
]

for (const [engine, open] of empty) {
  describe(`migrations on ${engine}`, () => {
    /** One for all, because a new embedded database costs seconds. */
    let db: Database
    before(async () => {
      db = await open()
    })
    after(() => db?.close())

    test('the first run applies every file and leaves a schema that passes the start check, the next applies none', async () => {
      assert.equal(await currentMigration(db), undefined)
      assert.deepEqual(await migrate(db), all)
      assert.equal(await currentMigration(db), newestMigration())
      assert.deepEqual(await isolationFaults(db, false), [])
      assert.deepEqual(await migrate(db), [])
    })

    test('a run that fails in a later file leaves nothing of the earlier ones', async () => {
      // Empty again.
      await sql`drop schema public cascade`.execute(db.kysely)
      await sql`create schema public`.execute(db.kysely)
      assert.equal(await currentMigration(db), undefined)
      // In the way of one of the last tables.
      await sql`create table budgets (n integer)`.execute(db.kysely)
      await assert.rejects(migrate(db), /relation "budgets" already exists/)
      const { rows } = await sql<{ name: string }>`
        select relname::text as name from pg_class
        where relnamespace = current_schema()::regnamespace and relkind = 'r' order by 1`.execute(db.kysely)
      assert.deepEqual(
        rows.map(({ name }) => name).filter((name) => !name.startsWith('spoke_migrations')),
        ['budgets'],
      )
      await sql`drop table budgets`.execute(db.kysely)
      assert.deepEqual(await migrate(db), all)
    })

    test('a database that a newer build has migrated is refused', async () => {
      await migrate(db)
      await sql`insert into spoke_migrations (name, timestamp) values ('9999-later', '2030-01-01')`.execute(
        db.kysely,
      )
      await assert.rejects(migrate(db), /9999-later/)
    })
  })
}

test('of several processes that start at once one migrates, and the others find it done', async () => {
  const url = await newPostgresDatabase('template0')
  const processes = await Promise.all([1, 2, 3, 4].map(() => onServer(url)))
  const applied = await Promise.all(processes.map(migrate))
  assert.deepEqual(
    applied.filter((names) => names.length > 0),
    [all],
  )
  for (const db of processes) await db.close()
})

test('the schema of the former queue is dropped, and one that others use or that has no queue of ours stays', async () => {
  const text = readFileSync(join(import.meta.dirname, '../../migrations/0011-due-work.sql'), 'utf8')
  const drop = statementsOf(text).at(-1) ?? assert.fail()
  const db = await onServer(await newPostgresDatabase())
  const run = async <Row>(statement: string) => (await sql.raw<Row>(statement).execute(db.kysely)).rows
  try {
    for (const [queues, stays] of [
      [['sync-full', 'sync-incremental', '__pgboss__send-it'], false],
      [['sync-full', 'of another program'], true],
      [[], true],
    ] as const) {
      await run('create schema pgboss; create table pgboss.queue (name text)')
      for (const name of queues) await run(`insert into pgboss.queue values ('${name}')`)
      await run(drop)
      const found = await run<{ stays: boolean }>(`select to_regclass('pgboss.queue') is not null as stays`)
      assert.deepEqual(found, [{ stays }], queues.join())
      await run('drop schema if exists pgboss cascade')
    }
    await run(drop)
  } finally {
    await db.close()
  }
})
