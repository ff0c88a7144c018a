/** Migrates the schema: numbered SQL files, forward only, each applied completely or not at all. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Kysely, sql } from 'kysely'
import { Migrator } from 'kysely/migration'
import type { Database } from './database.ts'

const folder = join(import.meta.dirname, '../../migrations')

/**
 * The statements of a file: each ends in a semicolon followed by an empty line. There is no other
 * parsing, so a function body must not contain that pair.
 */
export const statementsOf = (text: string): string[] =>
  text
    .split(/;\n\n/)
    .map((statement) => statement.trim())
    .filter((statement) => statement.replace(/^--.*$/gm, '').trim() !== '')

const names = () =>
  readdirSync(folder)
    .filter((file) => /^\d{4}-.*\.sql$/.test(file))
    .sort()

/**
 * Applies the missing migrations under the migrator's advisory lock, so that several processes may
 * start at once.
 *
 * @returns the names of the migrations applied now
 * @throws the database's own error when one fails; that file is rolled back
 */
export async function migrate(db: Database): Promise<string[]> {
  // Nearly every start finds nothing to do. The migrator would take its lock and read every table's
  // columns to learn that.
  if ((await currentMigration(db)) === newestMigration()) return []
  const migrator = new Migrator({
    db: db.kysely,
    migrationTableName: 'spoke_migrations',
    migrationLockTableName: 'spoke_migrations_lock',
    provider: {
      async getMigrations() {
        return Object.fromEntries(
          names().map((file) => [
            file.replace(/\.sql$/, ''),
            {
              async up(trx: Kysely<unknown>) {
                const text = readFileSync(join(folder, file), 'utf8')
                for (const statement of statementsOf(text)) await sql.raw(statement).execute(trx)
              },
            },
          ]),
        )
      },
    },
  })
  const { error, results } = await migrator.migrateToLatest()
  if (error) throw error
  return (results ?? []).map(({ migrationName }) => migrationName)
}

/** Every statement of every migration, in order, for an empty scratch schema. */
export const allStatements = (): string[] =>
  names().flatMap((file) => statementsOf(readFileSync(join(folder, file), 'utf8')))

/** The newest migration of this build. */
export const newestMigration = () =>
  names()
    .at(-1)
    ?.replace(/\.sql$/, '')

/** The last migration applied to the database; undefined on an empty one. */
export async function currentMigration(db: Database): Promise<string | undefined> {
  const { rows } = await sql<{ there: boolean }>`
    select to_regclass('spoke_migrations') is not null as there`.execute(db.kysely)
  if (!rows[0]?.there) return undefined
  const applied = await sql<{ name: string }>`
    select name from spoke_migrations order by name desc limit 1`.execute(db.kysely)
  return applied.rows[0]?.name
}
