/** Brings the schema to the newest migration: numbered SQL files, forward only, all or nothing each. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Kysely, sql } from 'kysely'
import { Migrator } from 'kysely/migration'
import type { Database } from './database.ts'

const folder = join(import.meta.dirname, '../../migrations')

/**
 * A file's statements: each ends in a semicolon that is followed by an empty line. That rule is all the parsing
 * there is, so a function body must hold no such pair.
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
 * Applies what is missing, under the migrator's advisory lock, so that several processes may start at once.
 *
 * @returns the names of the migrations applied now
 * @throws the database's own error when one fails; nothing of that file stays
 */
export async function migrate(db: Database): Promise<string[]> {
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

/** Every statement of every migration, in order: for an empty schema that nobody else sees and nobody keeps. */
export const allStatements = (): string[] =>
  names().flatMap((file) => statementsOf(readFileSync(join(folder, file), 'utf8')))

/** The newest migration this build knows. */
export const newestMigration = () =>
  names()
    .at(-1)
    ?.replace(/\.sql$/, '')

/** What the database has applied last, or undefined on an empty one. */
export async function currentMigration(db: Database): Promise<string | undefined> {
  const { rows } = await sql<{ there: boolean }>`
    select to_regclass('spoke_migrations') is not null as there`.execute(db.kysely)
  if (!rows[0]?.there) return undefined
  const applied = await sql<{ name: string }>`
    select name from spoke_migrations order by name desc limit 1`.execute(db.kysely)
  return applied.rows[0]?.name
}
