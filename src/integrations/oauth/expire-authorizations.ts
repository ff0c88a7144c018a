/** Deletes grants that were not confirmed in time, and revokes them at HubSpot. */
import { withSystem, withTenant } from '../../db/scope.ts'
import { parseTenantId } from '../../db/tenant-id.ts'
import { isTenantErasing } from '../../lib/errors.ts'
import type { KeyRing } from '../../lib/seal.ts'
import type { ReleaseDependencies } from '../tokens/release.ts'
import { findExpiredConfirmations, takeExpiredConfirmation } from './confirmation-store.ts'
import { openWaitingGrant, releaseWaitingGrant } from './waiting-grant.ts'

export interface ExpireDependencies extends ReleaseDependencies {
  ring: KeyRing
}

const maxPerPass = 50

/** Runs one pass. Several processes may run it at once: each row is taken by one. */
export async function expireAuthorizations(deps: ExpireDependencies, signal: AbortSignal): Promise<void> {
  const expired = await withSystem(deps.db, (scope) => findExpiredConfirmations(scope, maxPerPass))
  for (const { tenant_id: tenantId, confirmation_id: confirmationId } of expired) {
    if (signal.aborted) break
    try {
      const grant = await withTenant(deps.db, parseTenantId(tenantId), async (scope) => {
        const waiting = await takeExpiredConfirmation(scope, confirmationId)
        if (!waiting) return undefined
        // A token that cannot be opened is deleted anyway.
        const refreshToken = await openWaitingGrant(scope, deps.ring, waiting, 'refresh_token').catch(
          () => undefined,
        )
        return { hubId: waiting.hub_id, refreshToken }
      })
      if (grant) await releaseWaitingGrant(deps, grant)
    } catch (err) {
      if (isTenantErasing(err)) continue
      deps.log.warn({ err, tenant_id: tenantId }, 'an unconfirmed grant could not be deleted')
    }
  }
}
