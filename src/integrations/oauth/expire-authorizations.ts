/** Deletes grants that were not confirmed in time, and revokes them at HubSpot. */
import { withSystem, withTenant } from '../../db/scope.ts'
import { parseTenantId } from '../../db/tenant-id.ts'
import { isTenantErasing } from '../../lib/errors.ts'
import type { KeyRing } from '../../lib/seal.ts'
import type { ReleaseParts } from '../tokens/release.ts'
import { findExpired, takeExpired } from './confirmation-store.ts'
import { openWaiting, releaseWaiting } from './waiting-grant.ts'

export interface ExpireParts extends ReleaseParts {
  ring: KeyRing
}

const atOnce = 50

/**
 * Runs one pass. Several processes may run it at once: each row is taken by one.
 *
 * @returns how many had expired
 */
export async function releaseExpired(parts: ExpireParts, signal: AbortSignal): Promise<number> {
  const expired = await withSystem(parts.db, (scope) => findExpired(scope, atOnce))
  for (const { tenantId, confirmationId } of expired) {
    if (signal.aborted) break
    try {
      const grant = await withTenant(parts.db, parseTenantId(tenantId), async (scope) => {
        const waiting = await takeExpired(scope, confirmationId)
        if (!waiting) return undefined
        // A token that cannot be opened is deleted anyway.
        const refreshToken = await openWaiting(scope, parts.ring, waiting, 'refresh_token').catch(
          () => undefined,
        )
        return { portalId: waiting.portalId, refreshToken }
      })
      if (grant) await releaseWaiting(parts, grant)
    } catch (err) {
      if (isTenantErasing(err)) continue
      parts.log.warn({ err, tenant_id: tenantId }, 'an unconfirmed grant could not be deleted')
    }
  }
  return expired.length
}
