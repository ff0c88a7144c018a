/** SQL that claims periodic tasks and pages through the tenants. */
import { sql } from 'kysely'
import { fromNow } from '../db/database.ts'
import type { SystemScope } from '../db/scope.ts'
import type { TenantId } from '../db/tenant-id.ts'

/**
 * Claims a task that is due.
 *
 * @returns false when it is not due, or another process has claimed it
 */
export async function claimPeriodicTask(
  { query }: SystemScope,
  task: string,
  everyMs: number,
): Promise<boolean> {
  const rows = await query(sql`
    insert into periodic_tasks as u (task, due_at) values (${task}, ${fromNow(everyMs)})
    on conflict (task) do update set due_at = excluded.due_at where u.due_at <= clock_timestamp()
    returning task`)
  return rows.length > 0
}

/** The next tenants, by id, that are not being erased. */
export async function listTenantsFrom(
  { query }: SystemScope,
  after: string | undefined,
  limit: number,
): Promise<TenantId[]> {
  const rows = await query(sql<{ tenant_id: TenantId }>`
    select tenant_id from tenants
    where erasing_at is null and (${after ?? null}::uuid is null or tenant_id > ${after ?? null}::uuid)
    order by tenant_id limit ${limit}`)
  return rows.map((row) => row.tenant_id)
}
