/**
 * Runs work on the scratch database as its owner, to create and see all rows. Never on live tables.
 */
import type { Database, Query } from '../db/database.ts'
import { inTransaction } from '../db/transaction.ts'
import { asText } from './as-text.ts'

/**
 * One transaction without FORCE on these tables, since otherwise policies would apply to the owner
 * too. FORCE is restored before the end.
 */
export async function asOwner<T>(
  db: Database,
  forced: readonly string[],
  work: (query: Query) => Promise<T>,
): Promise<T> {
  return await inTransaction(
    db,
    forced.map((table) => `alter table ${table} no force row level security`),
    async (query) => {
      const done = await work(query)
      for (const table of forced) await query(asText(`alter table ${table} force row level security`))
      return done
    },
  )
}
