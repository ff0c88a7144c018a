/** A row that one process works at: it holds `lease_until` and `lease_by`, and a process that died costs a lease. */
import { sql } from 'kysely'

/** Who claims: in an embedded database a lease of any other process is a dead process's. */
export interface Claimant {
  instance: string
  exclusive: boolean
  leaseMs: number
}

/** @param row what the table is called in the statement */
export function leaseIsFree({ instance, exclusive }: Claimant, row?: string) {
  const [leaseUntil, leaseBy] = ['lease_until', 'lease_by'].map((column) =>
    sql.ref(row === undefined ? column : `${row}.${column}`),
  )
  return sql`(${leaseUntil} is null or ${leaseUntil} <= clock_timestamp()
    or (${exclusive} and ${leaseBy} is distinct from ${instance}))`
}
