/** All catalogue checks: those of every start, and slower ones. */
import type { Database } from '../db/database.ts'
import { isolationFaults } from '../db/isolation/check-isolation.ts'
import { codeFaults, keyFaults } from './catalogue-code.ts'
import { defaultPrivilegeFaults, mentionFaults, schemaFaults } from './catalogue-grants.ts'
import { ownerFaults, roleGrantFaults } from './catalogue-roles.ts'

const slowChecks = [
  roleGrantFaults,
  ownerFaults,
  mentionFaults,
  schemaFaults,
  defaultPrivilegeFaults,
  codeFaults,
  keyFaults,
]

/** @param strictLogin as at start. @returns the faults, worded for an operator */
export async function catalogueFaults(db: Database, strictLogin: boolean): Promise<string[]> {
  const faults = await isolationFaults(db, strictLogin)
  for (const check of slowChecks) faults.push(...(await check(db)))
  return [...new Set(faults)]
}
