/** A row that one process works at: it holds `lease_until` and `lease_by`, and a process that died costs a lease. */
import { sql } from 'kysely'

/** Who claims: in an embedded database a lease of any other process is a dead process's. */
export interface Claimant {
  instance: string
  exclusive: boolean
  leaseMs: number
}

/** `ms` from now, by the database's clock: without a sign of life until then the work is anybody's. */
export const until = (ms: number) => sql`clock_timestamp() + ${ms}::float8 * interval '1 ms'`

/** @param row what the table is called in the statement */
export function leaseIsFree({ instance, exclusive }: Claimant, row?: string) {
  const [leaseUntil, leaseBy] = ['lease_until', 'lease_by'].map((column) =>
    sql.ref(row === undefined ? column : `${row}.${column}`),
  )
  return sql`(${leaseUntil} is null or ${leaseUntil} <= clock_timestamp()
    or (${exclusive} and ${leaseBy} is distinct from ${instance}))`
}
