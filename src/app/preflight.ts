/** The checks that must pass before a process starts. */
import { anyLiveApiKey } from '../auth/api-key-store.ts'
import type { Config } from '../config.ts'
import type { Database } from '../db/database.ts'
import { isolationFaults } from '../db/isolation/check-isolation.ts'
import { currentMigration, newestMigration } from '../db/migrate.ts'
import { withSystem } from '../db/scope.ts'
import { admitKeyRing } from '../tenants/key-ring.ts'

/** Aborts the start, with one line for the operator. */
export class StartError extends Error {
  override name = 'StartError' as const
}

/** @throws StartError unless the schema is at this build's version */
export async function requireCurrentSchema(db: Database): Promise<void> {
  const at = await currentMigration(db)
  if (at !== newestMigration())
    throw new StartError(
      `the schema is at ${at ?? 'no migration'}, not at ${newestMigration()}; run \`spoke migrate\``,
    )
}

/** Refuses to serve on an incomplete schema or without tenant isolation. */
export async function requireTenantIsolation(db: Database, config: Config): Promise<void> {
  await requireCurrentSchema(db)
  const faults = await isolationFaults(db, config.migrateUrl !== undefined)
  if (faults.length > 0)
    throw new StartError(
      `tenant isolation check failed:\n${faults.map((fault) => `  - ${fault}`).join('\n')}`,
    )
}

/**
 * Open mode does not check keys, so existing keys would no longer protect what their creator relied
 * on them for.
 */
export async function requireNoKeysInOpenMode(db: Database, { adminKey }: Config): Promise<void> {
  if (adminKey === undefined && (await withSystem(db, anyLiveApiKey)))
    throw new StartError(
      'this database contains API keys of tenants, but without SPOKE_ADMIN_KEY no one on this machine needs a key; set SPOKE_ADMIN_KEY',
    )
}

/**
 * Refuses to seal or serve with a ring that does not open the existing data. The error is one line
 * and contains no key.
 */
export async function requireMatchingKeyRing(db: Database, { keyRing }: Config): Promise<void> {
  const faults = await admitKeyRing(db, keyRing)
  if (faults.length > 0)
    throw new StartError(`the key ring does not match the database: ${faults.join('; ')}`)
}
