/** The scratch database as its owner sees it, for laying out rows and looking at all of them. Never the operator's tables. */
import { type Database, inTransaction, type Query } from '../db/database.ts'
import { asText } from './as-text.ts'

/**
 * One transaction without FORCE on these tables, or their owner would see as little as anybody. It is put back before
 * the end.
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
