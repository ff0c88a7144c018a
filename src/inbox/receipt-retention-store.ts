/** SQL for retention of webhook receipts and of changes that stayed in the inbox too long. */
import { sql } from 'kysely'
import { ago } from '../db/database.ts'
import type { SystemScope, TenantScope } from '../db/scope.ts'

/**
 * A signature is valid for five minutes either way, so no receipt is needed after 15 minutes.
 *
 * @returns the number of rows deleted
 */
export async function deleteOldReceipts({ query }: SystemScope, atMost: number): Promise<number> {
  const rows = await query(sql`
    delete from webhook_receipts where signature_hash = any(array(
      select signature_hash from webhook_receipts where received_at < now() - interval '15 minutes' limit ${atMost}))
    returning 1 as one`)
  return rows.length
}

const oldInboxRows = ({ tenantId }: TenantScope, retentionMs: number) =>
  sql`from inbox_entries where tenant_id = ${tenantId} and received_at < ${ago(retentionMs)}`

export const hasOldInboxRows = (scope: TenantScope, retentionMs: number) =>
  sql<boolean>`exists (select ${oldInboxRows(scope, retentionMs)})`

/**
 * Deletes changes received more than `retentionMs` ago; a full pass has read their tickets many times
 * since.
 *
 * @returns the number of rows deleted
 */
export async function deleteOldInboxRows(
  scope: TenantScope,
  retentionMs: number,
  atMost: number,
): Promise<number> {
  const rows = await scope.query(sql`
    delete from inbox_entries where tenant_id = ${scope.tenantId} and (integration_id, due_at, entry_id) in (
      select integration_id, due_at, entry_id ${oldInboxRows(scope, retentionMs)} limit ${atMost})
    returning 1 as one`)
  return rows.length
}
