/**
 * Checks tenant isolation in the catalogue at start; if it has a fault, the process does not serve.
 */
import type { Database } from '../database.ts'
import { bypassFaults } from './bypass.ts'
import { grantFaults } from './grants.ts'
import { loginFaults } from './login.ts'
import { readerFaults } from './readers.ts'
import { roleFaults } from './roles.ts'
import { tableFaults } from './tables.ts'

/**
 * Takes a few milliseconds. `spoke doctor isolation` checks more.
 *
 * @param strictLogin true when migrations have their own login: then the serving login must own no
 * tables and must not bypass row level security
 * @returns the faults, worded for an operator; empty when there are none
 */
export async function isolationFaults(db: Database, strictLogin: boolean): Promise<string[]> {
  const checks = [roleFaults, readerFaults, tableFaults, grantFaults, bypassFaults]
  const faults: string[] = []
  for (const check of checks) faults.push(...(await check(db)))
  return strictLogin ? [...faults, ...(await loginFaults(db))] : faults
}
