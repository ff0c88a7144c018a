/** The whole walk of the catalogue: what is checked at start, and what takes longer to look at. */
import type { Database } from '../db/database.ts'
import { isolationFaults } from '../db/isolation/check-isolation.ts'
import { codeFaults, keyFaults } from './catalogue-code.ts'
import { defaultPrivilegeFaults, mentionFaults, schemaFaults } from './catalogue-grants.ts'
import { ownerFaults, roleFaults } from './catalogue-roles.ts'

const deeper = [
  roleFaults,
  ownerFaults,
  mentionFaults,
  schemaFaults,
  defaultPrivilegeFaults,
  codeFaults,
  keyFaults,
]

/** @param strictLogin as at start. @returns what is wrong, in words for an operator */
export async function catalogueFaults(db: Database, strictLogin: boolean): Promise<string[]> {
  const faults = await isolationFaults(db, strictLogin)
  for (const check of deeper) faults.push(...(await check(db)))
  return [...new Set(faults)]
}
