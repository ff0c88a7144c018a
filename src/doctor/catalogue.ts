/** All catalogue checks: those of every start, and slower ones. */
import type { Database } from '../db/database.ts'
import { isolationFaults } from '../db/isolation/check-isolation.ts'
import { catalogueCodeFaults, catalogueKeyFaults } from './catalogue-code.ts'
import {
  catalogueDefaultPrivilegeFaults,
  catalogueMentionFaults,
  catalogueSchemaFaults,
} from './catalogue-grants.ts'
import { catalogueMarkFaults } from './catalogue-marks.ts'
import { catalogueOwnerFaults, catalogueRoleGrantFaults } from './catalogue-roles.ts'

const slowChecks = [
  catalogueRoleGrantFaults,
  catalogueOwnerFaults,
  catalogueMentionFaults,
  catalogueSchemaFaults,
  catalogueDefaultPrivilegeFaults,
  catalogueCodeFaults,
  catalogueKeyFaults,
  catalogueMarkFaults,
]

/** @param strictLogin as at start. @returns the faults, worded for an operator */
export async function catalogueFaults(db: Database, strictLogin: boolean): Promise<string[]> {
  const faults = await isolationFaults(db, strictLogin)
  for (const check of slowChecks) faults.push(...(await check(db)))
  return [...new Set(faults)]
}
