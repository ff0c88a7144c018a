/**
 * Checks tenant isolation: reads the catalogue, queries the live tables, and rehearses an attack.
 */
import { openServingDatabase } from '../app/open.ts'
import { requireCurrentSchema } from '../app/preflight.ts'
import type { Config } from '../config.ts'
import { isolationBypassWarnings } from '../db/isolation/bypass.ts'
import { isolationFaults } from '../db/isolation/check-isolation.ts'
import { readerWarnings } from '../db/isolation/readers.ts'
import type { Log } from '../lib/log.ts'
import { catalogueFaults } from './catalogue.ts'
import { catalogueRoleLogins } from './catalogue-roles.ts'
import { queryLiveTables } from './live-tables.ts'
import { type Rehearsal, runRehearsal } from './rehearsal.ts'
import { openScratchInMemory, openScratchOnServer, type ScratchDatabase } from './scratch-database.ts'

export interface IsolationReport {
  database: 'embedded' | 'postgres'
  /** Where the rehearsal ran, in words. */
  rehearsed: string
  /** Tables with tenants' rows; `routes` counts each method. */
  tables: number
  routes: number
  /** Attempts in the rehearsal. */
  statements: number
  requests: number
  /** Read-only statements on the live tables. */
  live_statements: number
  leaked: number
  /** Logins and roles that can act as the database roles, for a person to review. */
  may_act: string[]
  /** Privileges that Spoke does not need, each with the statement that revokes it. */
  warnings: string[]
  /** The faults, in words; empty when tenants are isolated. */
  faults: string[]
}

/**
 * Leaves nothing behind: the operator's own tables are only read.
 *
 * @throws LockedError | StartError (another schema than this build's) | the database's own error
 */
export async function createIsolationReport(config: Config, log: Log): Promise<IsolationReport> {
  const db = await openServingDatabase(config, log)
  try {
    await requireCurrentSchema(db)
    const catalogue = await catalogueFaults(db, config.migrateUrl !== undefined)
    const live = await queryLiveTables(db)
    const mayAct = await catalogueRoleLogins(db)
    const played = await rehearseOn(await openScratch(config), config)
    return {
      database: db.kind,
      rehearsed: played.where,
      tables: played.tables,
      routes: played.routes,
      statements: played.statements,
      requests: played.requests,
      live_statements: live.count,
      leaked: live.leaked + played.leaked,
      may_act: mayAct,
      warnings: [...(await isolationBypassWarnings(db)), ...(await readerWarnings(db))],
      faults: [
        ...catalogue,
        ...live.faults.map((fault) => `live: ${fault}`),
        ...played.faults.map((fault) => `rehearsal: ${fault}`),
      ],
    }
  } finally {
    await db.close()
  }
}

const openScratch = async ({ databaseUrl, migrateUrl }: Config): Promise<ScratchDatabase> => {
  const url = migrateUrl ?? databaseUrl
  return (url && (await openScratchOnServer(url))) || (await openScratchInMemory())
}

async function rehearseOn(scratch: ScratchDatabase, config: Config): Promise<Rehearsal & { where: string }> {
  const { where } = scratch
  try {
    // Shows what this server adds to new tables (default privileges), before any attempt.
    const fresh = await isolationFaults(scratch.db, false)
    const played = await runRehearsal(scratch.db, config)
    return { ...played, faults: [...fresh, ...played.faults], where }
  } catch (error) {
    const fault = `it failed, so the rest was not checked: ${(error as Error).message}`
    return { tables: 0, routes: 0, statements: 0, requests: 0, leaked: 0, faults: [fault], where }
  } finally {
    await scratch.close()
  }
}
