/** Reads the catalogue at start: does the wall between tenants stand? If not, nothing is served. */
import type { Database } from '../database.ts'
import { bypassFaults } from './bypass.ts'
import { grantFaults } from './grants.ts'
import { loginFaults } from './login.ts'
import { roleFaults } from './roles.ts'
import { tableFaults } from './tables.ts'

/**
 * A few milliseconds. `spoke doctor isolation` looks further.
 *
 * @param strictLogin true when migrations have a login of their own: then the serving login must own and bypass
 *   nothing either
 * @returns what is wrong, in words for an operator; empty when the wall stands
 */
export async function isolationFaults(db: Database, strictLogin: boolean): Promise<string[]> {
  const checks = [roleFaults, tableFaults, grantFaults, bypassFaults]
  const faults: string[] = []
  for (const check of checks) faults.push(...(await check(db)))
  return strictLogin ? [...faults, ...(await loginFaults(db))] : faults
}
