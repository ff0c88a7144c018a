/** Writes an event to its tenant's chain, or to the operator's. */
import type { Database } from '../db/database.ts'
import { unlessErasing, withSystem, withTenant } from '../db/scope.ts'
import type { TenantId } from '../db/tenant-id.ts'
import type { KeyRing } from '../lib/seal.ts'
import { type AuditEvent, type Chain, operatorChain } from './event.ts'
import { appendOperatorAuditEvent, appendTenantAuditEvent } from './store.ts'
import { tenantHash } from './tenant-hash.ts'

export interface AuditLog {
  db: Database
  ring: KeyRing
}

/**
 * Runs one transaction. An event of a tenant that does not exist or is being erased goes to the
 * operator's chain, under the tenant's pseudonym.
 *
 * @param tenantId absent: the event belongs to no tenant
 * @returns the chain that contains the event
 */
export async function recordAuditEvent(
  { db, ring }: AuditLog,
  tenantId: TenantId | undefined,
  event: AuditEvent,
): Promise<Chain> {
  if (tenantId === undefined) {
    await withSystem(db, (scope) => appendOperatorAuditEvent(scope, event))
    return operatorChain
  }
  if (await unlessErasing(withTenant(db, tenantId, (scope) => appendTenantAuditEvent(scope, event))))
    return tenantId
  const target = [tenantHash(ring, tenantId), event.target].filter(Boolean).join(' ')
  return await recordAuditEvent({ db, ring }, undefined, { ...event, target })
}

/**
 * Records the end of a request in the chain that has its beginning. When the request created the
 * tenant, the tenant's chain starts with this event; when it erased the tenant, the operator's
 * chain has it.
 *
 * @param requestedIn the result of `recordAuditEvent`; undefined when no `requested` event was recorded
 */
export async function recordAuditResult(
  audit: AuditLog,
  requestedIn: Chain | undefined,
  tenantId: TenantId | undefined,
  event: AuditEvent,
): Promise<void> {
  const chain = await recordAuditEvent(audit, tenantId, event)
  if (requestedIn === operatorChain && chain !== operatorChain) {
    const target = [tenantHash(audit.ring, tenantId as TenantId), event.target].filter(Boolean).join(' ')
    await recordAuditEvent(audit, undefined, { ...event, target })
  }
}
