/** SQL that forgets: signatures that are too old to count, and changes that nobody could drain for long. */
import { sql } from 'kysely'
import { ago } from '../db/database.ts'
import type { SystemScope, TenantScope } from '../db/scope.ts'

/** Signatures are good for five minutes either way. @returns how many went */
export async function forgetReceipts({ query }: SystemScope, atMost: number): Promise<number> {
  const rows = await query(sql`
    delete from webhook_receipts where signature_hash = any(array(
      select signature_hash from webhook_receipts where received_at < now() - interval '15 minutes' limit ${atMost}))
    returning 1 as one`)
  return rows.length
}

/** What was received longer than `keepMs` ago; a full pass has seen such tickets many times since. @returns how many went */
export async function deleteOldDeliveries(
  scope: TenantScope,
  keepMs: number,
  atMost: number,
): Promise<number> {
  const rows = await scope.query(sql`
    delete from inbox where tenant_id = ${scope.tenantId} and (integration_id, due_at, inbox_id) in (
      select integration_id, due_at, inbox_id from inbox
      where tenant_id = ${scope.tenantId} and received_at < ${ago(keepMs)}
      limit ${atMost})
    returning 1 as one`)
  return rows.length
}
