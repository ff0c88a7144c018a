/** Erases marked tenants in rotation, in short steps that resume wherever the last one ended. */
import { withSystem } from '../db/scope.ts'
import type { TenantId } from '../db/tenant-id.ts'
import { deleteBudgets } from '../hubspot/budget/budget-retention-store.ts'
import type { Clock } from '../lib/clock.ts'
import type { Metrics } from '../lib/metrics.ts'
import { endErasure, eraseTenantRows, runErasureStep } from '../tenants/erasure.ts'
import { findErasingTenants } from '../tenants/erasure-store.ts'
import { hubIdsOf } from './account-store.ts'
import { type RevokeDependencies, revokeAllGrants } from './tokens/revoke-all.ts'

export interface EraserDependencies extends RevokeDependencies {
  clock: Clock
  metrics: Metrics
}

const maxTenants = 100
/** The next tenant follows after this time. */
const sliceMs = 5_000

/**
 * Works through the marked tenants in rotation until none of them can make further progress now. Any
 * number of processes may do so: each step has exclusive access to its tenant.
 */
export async function eraseMarkedTenants(deps: EraserDependencies, signal: AbortSignal): Promise<void> {
  const { db, metrics, log } = deps
  const marked = await withSystem(db, (scope) => findErasingTenants(scope, maxTenants))
  metrics.tenantsErasing.set(marked.length)
  for (let round = marked; round.length > 0; ) {
    const next: TenantId[] = []
    for (const tenantId of round) {
      if (signal.aborted) return
      try {
        const outcome = await eraseForOneSlice(deps, tenantId, signal)
        if (outcome === 'cut_short') next.push(tenantId)
        if (outcome === 'gone') log.info({ tenant_id: tenantId }, 'a tenant was erased')
      } catch (err) {
        // A tenant that fails does not affect the others and is retried at the next poll.
        log.warn({ err, tenant_id: tenantId }, 'an erasure failed and will be retried')
      }
    }
    round = next
  }
}

async function eraseForOneSlice(
  deps: EraserDependencies,
  tenantId: TenantId,
  signal: AbortSignal,
): Promise<'cut_short' | 'rows_left' | 'gone'> {
  const { db, clock } = deps
  const end = clock.monotonic() + sliceMs
  const more = () => !signal.aborted && clock.monotonic() < end
  if (!(await revokeAllGrants(deps, tenantId, signal, more))) return 'cut_short'
  if (!(await eraseTenantRows(db, tenantId, 'rows', more))) return 'cut_short'
  const hubIds = await runErasureStep(db, tenantId, ({ rows }) => hubIdsOf(rows))
  if (hubIds && hubIds.length > 0) await withSystem(db, (scope) => deleteBudgets(scope, hubIds))
  for (const when of ['integrations', 'audit'] as const)
    if (!(await eraseTenantRows(db, tenantId, when, more))) return 'cut_short'
  return await endErasure(db, tenantId)
}
