/**
 * One process's claim on a row, in `lease_until` and `lease_owner`; it expires if the process dies.
 */
import { sql } from 'kysely'

/**
 * The claiming process. With an embedded database, a lease of any other process belongs to a dead
 * one.
 */
export interface Claimant {
  instance: string
  exclusive: boolean
  leaseMs: number
}

/** @param row the table's name or alias in the statement */
export function leaseIsFree({ instance, exclusive }: Claimant, row?: string) {
  const [leaseUntil, leaseOwner] = ['lease_until', 'lease_owner'].map((column) =>
    sql.ref(row === undefined ? column : `${row}.${column}`),
  )
  return sql`(${leaseUntil} is null or ${leaseUntil} <= clock_timestamp()
    or (${exclusive} and ${leaseOwner} is distinct from ${instance}))`
}
