/** Opens the database to migrate it, to serve, or to run a command beside the service. */
import type { Config } from '../config.ts'
import type { Database } from '../db/database.ts'
import { grantServingLogin } from '../db/isolation/login.ts'
import { migrate } from '../db/migrate.ts'
import { openDatabase } from '../db/open-database.ts'
import type { Log } from '../lib/log.ts'
import { requireTenantIsolation, StartError } from './preflight.ts'

/**
 * Migrates the schema, using the migration login if there is one. @returns the migrations applied
 */
export async function migrateAll(config: Config, log: Log): Promise<string[]> {
  const db = await openMigratingDatabase(config, log)
  try {
    const applied = await migrate(db)
    if (config.migrateUrl && config.databaseUrl) await grantServingLogin(db, loginOf(config.databaseUrl))
    return applied
  } finally {
    await db.close()
  }
}

function openMigratingDatabase(config: Config, log: Log): Promise<Database> {
  const { migrateUrl, databaseUrl, dataDir, databaseWaitMs: waitMs, minFreeBytes } = config
  const url = migrateUrl ?? databaseUrl
  const variable = migrateUrl ? 'SPOKE_MIGRATE_URL' : 'DATABASE_URL'
  return openDatabase({ url, variable, dataDir, poolSize: 2, waitMs, minFreeBytes }, log)
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

/**
 * The same for a command that also creates or drops database roles, with the migrating login.
 *
 * @throws StartError also when the database is embedded, which has no logins
 */
export async function withOwnerDatabase<T>(
  config: Config,
  log: Log,
  work: (dbs: { db: Database; owner: Database }) => Promise<T>,
): Promise<T> {
  if (config.databaseUrl === undefined)
    throw new StartError(
      'SQL access needs a PostgreSQL server (DATABASE_URL); the embedded database has no logins and no port',
    )
  return await withCommandDatabase(config, log, async (db) => {
    const owner = await openMigratingDatabase(config, log)
    try {
      return await work({ db, owner })
    } finally {
      await owner.close()
    }
  })
}

const loginOf = (url: string) => decodeURIComponent(new URL(url).username)
