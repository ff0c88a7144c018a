/**
 * Builds the webhook payload: the change as in the feed, in the envelope of Standard Webhooks.
 * Pure.
 */
import { type Change, presentChange } from '../changes/change.ts'

export function webhookPayload(tenantId: string, change: Change): string {
  const { change_id, type, at, ...data } = presentChange(tenantId, change)
  return JSON.stringify({ id: change_id, type, timestamp: at, tenant_id: tenantId, data })
}
