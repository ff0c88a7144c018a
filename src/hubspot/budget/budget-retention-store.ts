/** SQL that deletes unused budgets. */
import { sql } from 'kysely'
import type { Query } from '../../db/database.ts'

const unused = sql`not exists (select from account_routes r where r.hub_id = b.hub_id)`

/** Deletes the budgets of accounts that no integration is connected to. */
export async function deleteBudgets({ query }: { query: Query }, hubIds: readonly number[]): Promise<void> {
  await query(sql`
    delete from budgets b where b.hub_id = any(${[...hubIds]}::bigint[]) and ${unused}`)
}

/**
 * Deletes budgets of accounts without a connection, a day after their last call.
 *
 * @returns how many were deleted
 */
export async function deleteIdleBudgets({ query }: { query: Query }, atMost: number): Promise<number> {
  const rows = await query(sql`
    delete from budgets where ctid = any(array(
      select b.ctid from budgets b
      where greatest(b.next_slot_at, b.closed_until) < clock_timestamp() - interval '1 day' and ${unused}
      limit ${atMost}))
    returning 1 as one`)
  return rows.length
}
