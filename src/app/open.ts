/** Opens the database to migrate it, to serve, or to run a command beside the service. */
import type { Config } from '../config.ts'
import type { Database } from '../db/database.ts'
import { grantServingLogin } from '../db/isolation/login.ts'
import { migrate } from '../db/migrate.ts'
import { openDatabase } from '../db/open-database.ts'
import type { Log } from '../lib/log.ts'
import { requireTenantIsolation } from './preflight.ts'

/**
 * Migrates the schema, using the migration login if there is one. @returns the migrations applied
 */
export async function migrateAll(config: Config, log: Log): Promise<string[]> {
  const { migrateUrl, databaseUrl, dataDir, databaseWaitMs: waitMs, minFreeBytes } = config
  const url = migrateUrl ?? databaseUrl
  const variable = migrateUrl ? 'SPOKE_MIGRATE_URL' : 'DATABASE_URL'
  const db = await openDatabase({ url, variable, dataDir, poolSize: 2, waitMs, minFreeBytes }, log)
  try {
    const applied = await migrate(db)
    if (config.migrateUrl && config.databaseUrl) await grantServingLogin(db, loginOf(config.databaseUrl))
    return applied
  } finally {
    await db.close()
  }
}

export function openServingDatabase(config: Config, log: Log): Promise<Database> {
  const { databaseUrl: url, dataDir, poolSize, prepare, databaseWaitMs: waitMs, minFreeBytes } = config
  return openDatabase({ url, dataDir, poolSize, statementMs: 5_000, prepare, waitMs, minFreeBytes }, log)
}

/**
 * For a command that uses the database beside the service.
 *
 * @throws LockedError | StartError | as `work`
 */
export async function withCommandDatabase<T>(
  config: Config,
  log: Log,
  work: (db: Database) => Promise<T>,
): Promise<T> {
  const db = await openServingDatabase(config, log)
  try {
    await requireTenantIsolation(db, config)
    return await work(db)
  } finally {
    await db.close()
  }
}

const loginOf = (url: string) => decodeURIComponent(new URL(url).username)
