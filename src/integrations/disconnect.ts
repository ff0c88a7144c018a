/** Disconnecting: the token ends at HubSpot and here, work stops, data stays unless it is to go too. */
import { type TenantScope, withTenant } from '../db/scope.ts'
import { integrationNotFound } from '../lib/errors.ts'
import type { KeyRing } from '../lib/seal.ts'
import type { Whose } from './integration.ts'
import { deleteRoute, findIntegration, lockIntegration, moveTo } from './store.ts'
import { type ReleaseParts, releaseGrant } from './tokens/release.ts'
import { forgetToken, lockToken, readToken } from './tokens/token-store.ts'

export interface DisconnectParts extends ReleaseParts {
  ring: KeyRing
  /** Deletes the integration and all data of it, in steps. @returns false when it was connected again meanwhile */
  purge(whose: Whose): Promise<boolean>
  /** Told inside the disconnecting transaction: what runs or waits for the integration ends with it. */
  onDisconnected(scope: TenantScope, integrationId: string): Promise<void>
}

/**
 * Forgets the tokens first, then revokes at HubSpot: whatever happens to the call, nothing here can use them again.
 *
 * @returns revoked: whether HubSpot was told to revoke; false when another live integration hangs on the same portal, when
 *   there was nothing to revoke, or when HubSpot did not answer. purged: whether all data of it is gone
 * @throws AppError integration_not_found
 */
export async function disconnect(
  parts: DisconnectParts,
  { tenantId, integrationId }: Whose,
  purge: boolean,
  signal: AbortSignal,
): Promise<{ revoked: boolean; purged: boolean }> {
  const { refreshToken, portalId } = await withTenant(parts.db, tenantId, async (scope) => {
    await lockIntegration(scope, integrationId)
    const integration = await findIntegration(scope, integrationId)
    if (!integration) throw integrationNotFound()
    await lockToken(scope, integrationId)
    const token = await readToken(scope, parts.ring, integrationId)
    await forgetToken(scope, integrationId)
    await deleteRoute(scope, integrationId)
    await parts.onDisconnected(scope, integrationId)
    await moveTo(scope, integrationId, 'disconnected', null)
    return { refreshToken: token?.refreshToken, portalId: integration.portalId }
  })
  // Apart from the disconnect, which is done whatever comes of it: many rows take many statements.
  const purged = purge && (await parts.purge({ tenantId, integrationId }))
  return { revoked: await releaseGrant(parts, { portalId, refreshToken }, integrationId, signal), purged }
}
