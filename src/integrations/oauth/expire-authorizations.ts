/** Grants that nobody said yes to in time are forgotten, and revoked at HubSpot. */
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

/** One pass. Any number of processes may pass at once: each row is taken by one. @returns how many were over */
export async function releaseExpired(parts: ExpireParts, signal: AbortSignal): Promise<number> {
  const expired = await withSystem(parts.db, (scope) => findExpired(scope, atOnce))
  for (const { tenantId, confirmationId } of expired) {
    if (signal.aborted) break
    try {
      const grant = await withTenant(parts.db, parseTenantId(tenantId), async (scope) => {
        const waiting = await takeExpired(scope, confirmationId)
        if (!waiting) return undefined
        // One that does not open is forgotten all the same.
        const refreshToken = await openWaiting(scope, parts.ring, waiting, 'refresh_token').catch(
          () => undefined,
        )
        return { portalId: waiting.portalId, refreshToken }
      })
      if (grant) await releaseWaiting(parts, grant)
    } catch (err) {
      if (isTenantErasing(err)) continue
      parts.log.warn({ err, tenant_id: tenantId }, 'a grant that nobody confirmed could not be forgotten')
    }
  }
  return expired.length
}
