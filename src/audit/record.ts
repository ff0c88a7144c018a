/** Writes an event where it belongs: into its tenant's chain, or into the operator's. */
import type { Database } from '../db/database.ts'
import { unlessErasing, withSystem, withTenant } from '../db/scope.ts'
import type { TenantId } from '../db/tenant-id.ts'
import type { KeyRing } from '../lib/seal.ts'
import { type AuditEvent, type Chain, operatorChain } from './event.ts'
import { pseudonymOf } from './pseudonym.ts'
import { appendToOperator, appendToTenant } from './store.ts'

export interface Audit {
  db: Database
  ring: KeyRing
}

/**
 * One transaction. An event of a tenant that is not there, or is being erased, stands in the operator's chain, which names it by its pseudonym.
 *
 * @param tenantId absent: the event stands above tenants
 * @returns the chain that it stands in
 */
export async function record(
  { db, ring }: Audit,
  tenantId: TenantId | undefined,
  event: AuditEvent,
): Promise<Chain> {
  if (tenantId === undefined) {
    await withSystem(db, (scope) => appendToOperator(scope, event))
    return operatorChain
  }
  if (await unlessErasing(withTenant(db, tenantId, (scope) => appendToTenant(scope, event)))) return tenantId
  const target = [pseudonymOf(ring, tenantId), event.target].filter(Boolean).join(' ')
  return await record({ db, ring }, undefined, { ...event, target })
}

/**
 * The end of what was asked: in the chain that it was asked in. Where it made the tenant, the tenant's chain begins with it;
 * where it ended the tenant, the operator's chain has it.
 *
 * @param askedIn as `record` said; undefined for what was never asked
 */
export async function recordDone(
  audit: Audit,
  askedIn: Chain | undefined,
  tenantId: TenantId | undefined,
  event: AuditEvent,
): Promise<void> {
  const stands = await record(audit, tenantId, event)
  if (askedIn === operatorChain && stands !== operatorChain) {
    const target = [pseudonymOf(audit.ring, tenantId as TenantId), event.target].filter(Boolean).join(' ')
    await record(audit, undefined, { ...event, target })
  }
}
