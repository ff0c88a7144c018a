/** Disconnects: ends the token in HubSpot and here, stops work, and keeps data unless purged. */
import { type TenantScope, withTenant } from '../db/scope.ts'
import { integrationNotFound } from '../lib/errors.ts'
import type { KeyRing } from '../lib/seal.ts'
import { deleteAccountRoute } from './account-store.ts'
import type { IntegrationRef } from './integration.ts'
import { findIntegration, lockIntegration, setIntegrationStatus } from './store.ts'
import { type ReleaseDependencies, releaseGrant } from './tokens/release.ts'
import { clearToken, lockToken, readToken } from './tokens/token-store.ts'

export interface DisconnectDependencies extends ReleaseDependencies {
  ring: KeyRing
  /**
   * Deletes the integration and all its data, in steps.
   *
   * @returns false when it was reconnected meanwhile
   */
  purge(ref: IntegrationRef): Promise<boolean>
  /** Called inside the disconnecting transaction: ends what runs or waits for the integration. */
  onDisconnected(scope: TenantScope, integrationId: string): Promise<void>
}

/**
 * Deletes the tokens first, then revokes at HubSpot: even if that call fails, nothing here can use
 * them again.
 *
 * @returns revoked: whether the token was revoked at HubSpot; false when another live integration
 *   uses the same HubSpot account, when there was nothing to revoke, or when HubSpot did not
 *   respond. purged: whether all its data is deleted
 * @throws AppError integration_not_found
 */
export async function disconnectIntegration(
  deps: DisconnectDependencies,
  { tenantId, integrationId }: IntegrationRef,
  purge: boolean,
  signal: AbortSignal,
): Promise<{ revoked: boolean; purged: boolean }> {
  const { refreshToken, hubId } = await withTenant(deps.db, tenantId, async (scope) => {
    await lockIntegration(scope, integrationId)
    const integration = await findIntegration(scope, integrationId)
    if (!integration) throw integrationNotFound()
    await lockToken(scope, integrationId)
    const token = await readToken(scope, deps.ring, integrationId)
    await clearToken(scope, integrationId)
    await deleteAccountRoute(scope, integrationId)
    await deps.onDisconnected(scope, integrationId)
    await setIntegrationStatus(scope, integrationId, 'disconnected', null)
    return { refreshToken: token?.refreshToken, hubId: integration.hub_id }
  })
  // Separate from the disconnect, which is complete either way: many rows take many statements.
  const purged = purge && (await deps.purge({ tenantId, integrationId }))
  return { revoked: await releaseGrant(deps, { hubId, refreshToken }, integrationId, signal), purged }
}
