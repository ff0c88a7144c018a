/** Whether tenants are kept apart: the catalogue is read, the live tables are looked at, and an attack is rehearsed. */
import { openServing } from '../app/open.ts'
import { refuseOtherSchema } from '../app/preflight.ts'
import type { Config } from '../config.ts'
import { isolationWarnings } from '../db/isolation/bypass.ts'
import { isolationFaults } from '../db/isolation/check-isolation.ts'
import type { Log } from '../lib/log.ts'
import { catalogueFaults } from './catalogue.ts'
import { whoMayActAsDoors } from './catalogue-roles.ts'
import { lookAtLiveTables } from './live.ts'
import { type Rehearsal, rehearse } from './rehearsal.ts'
import { type Scratch, scratchInMemory, scratchOnServer } from './scratch.ts'

export interface IsolationReport {
  database: 'embedded' | 'postgres'
  /** Where the rehearsal was played, in words. */
  rehearsed: string
  /** Tables of tenants, routes by method. */
  tables: number
  routes: number
  /** Tried in the rehearsal. */
  statements: number
  requests: number
  /** Read-only statements on the live tables. */
  live_statements: number
  leaked: number
  /** Logins and roles that can act as the doors, for a person to judge. */
  may_act: string[]
  /** More than Spoke needs, each with the statement that takes it away. */
  warnings: string[]
  /** What is wrong, in words; empty when the tenants are kept apart. */
  faults: string[]
}

/**
 * Writes nothing that stays: the operator's own tables are only read.
 *
 * @throws LockedError | StartError (another schema than this build's) | the database's own error
 */
export async function examineIsolation(config: Config, log: Log): Promise<IsolationReport> {
  const db = await openServing(config, log)
  try {
    await refuseOtherSchema(db)
    const catalogue = await catalogueFaults(db, config.migrateUrl !== undefined)
    const live = await lookAtLiveTables(db)
    const mayAct = await whoMayActAsDoors(db)
    const played = await play(await openScratch(config), config)
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
      warnings: await isolationWarnings(db),
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

const openScratch = async ({ databaseUrl, migrateUrl }: Config): Promise<Scratch> => {
  const url = migrateUrl ?? databaseUrl
  return (url && (await scratchOnServer(url))) || (await scratchInMemory())
}

async function play(scratch: Scratch, config: Config): Promise<Rehearsal & { where: string }> {
  const { where } = scratch
  try {
    // What this server adds to new tables (default privileges) shows before anything is tried.
    const fresh = await isolationFaults(scratch.db, false)
    const played = await rehearse(scratch.db, config)
    return { ...played, faults: [...fresh, ...played.faults], where }
  } catch (error) {
    const fault = `it broke off, so nothing more is known: ${(error as Error).message}`
    return { tables: 0, routes: 0, statements: 0, requests: 0, leaked: 0, faults: [fault], where }
  } finally {
    await scratch.close()
  }
}
