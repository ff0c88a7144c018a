/** What a process refuses to start on. */
import { anyLiveKey } from '../auth/api-key-store.ts'
import type { Config } from '../config.ts'
import type { Database } from '../db/database.ts'
import { isolationFaults } from '../db/isolation/check-isolation.ts'
import { currentMigration, newestMigration } from '../db/migrate.ts'
import { withSystem } from '../db/scope.ts'
import { admitRing } from '../tenants/key-ring.ts'

/** Refuses the start, in a line for the operator. */
export class StartError extends Error {
  override name = 'StartError' as const
}

/** @throws StartError unless the schema is the one of this build */
export async function refuseOtherSchema(db: Database): Promise<void> {
  const at = await currentMigration(db)
  if (at !== newestMigration())
    throw new StartError(
      `the schema is at ${at ?? 'nothing'}, not at ${newestMigration()}; run \`spoke migrate\``,
    )
}

/** Never serves on a half-made schema, or behind a wall that does not stand. */
export async function refuseUnsafe(db: Database, config: Config): Promise<void> {
  await refuseOtherSchema(db)
  const faults = await isolationFaults(db, config.migrateUrl !== undefined)
  if (faults.length > 0)
    throw new StartError(
      `the wall between tenants does not stand:\n${faults.map((fault) => `  - ${fault}`).join('\n')}`,
    )
}

/** In open mode a key would be asked for by nobody: whoever made it relied on it. */
export async function refuseOpenKeys(db: Database, { adminKey }: Config): Promise<void> {
  if (adminKey === undefined && (await withSystem(db, anyLiveKey)))
    throw new StartError(
      'this database holds API keys of tenants, and without SPOKE_ADMIN_KEY everybody on this machine could do without one; set it',
    )
}

/** Never seals, and never serves, with a ring that does not open what is there. One line, without a key in it. */
export async function refuseWrongKeys(db: Database, { keyRing }: Config): Promise<void> {
  const faults = await admitRing(db, keyRing)
  if (faults.length > 0) throw new StartError(`the key ring does not fit the database: ${faults.join('; ')}`)
}
