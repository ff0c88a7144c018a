/** Blocks what requests wait for, so that a test controls how many are in flight, not the speed of the machine. */
import pg from 'pg'

/** Holds every reader of a table, of tenants when none is named, as a database does that is busy with something else. @returns call it to let them go */
export async function holdDatabase(database: string, table = 'tenants'): Promise<() => Promise<void>> {
  const holder = new pg.Client({ connectionString: database })
  await holder.connect()
  await holder.query(`begin; lock table ${table} in access exclusive mode`)
  let held = true
  return async () => {
    if (!held) return
    held = false
    await holder.query('rollback')
    await holder.end()
  }
}
