/** Disconnecting: the token ends at HubSpot and here, work stops, data stays unless it is to go too. */
import type { HubSpot } from '../hubspot/client.ts'
import { type App, revoke } from '../hubspot/oauth.ts'
import type { Database } from '../lib/db.ts'
import { integrationNotFound } from '../lib/errors.ts'
import type { Log } from '../lib/log.ts'
import type { KeyRing } from '../lib/seal.ts'
import type { Secret } from '../lib/secret.ts'
import { type TenantScope, withSystem, withTenant } from '../tenants/scope.ts'
import type { Whose } from './integration.ts'
import { deleteRoute, findIntegration, lockIntegration, moveTo, portalIsShared } from './store.ts'
import { forgetToken, lockToken, readToken } from './token-store.ts'

export interface DisconnectParts {
  db: Database
  ring: KeyRing
  hubspot: HubSpot
  app: App | undefined
  log: Log
  /** Deletes the integration and all data of it, in steps. @returns false when it was connected again meanwhile */
  purge(whose: Whose): Promise<boolean>
  /** Told inside the disconnecting transaction: what runs or waits for the integration ends with it. */
  onDisconnected(scope: TenantScope, integrationId: string): Promise<void>
}

/** The tenant waits for HubSpot this long at most; the tokens here are gone before that. */
const revokeWithinMs = 5_000

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
  if (!refreshToken || !parts.app || portalId === null) return { revoked: false, purged }
  const shared = await withSystem(parts.db, (scope) => portalIsShared(scope, portalId, integrationId))
  return { revoked: !shared && (await tryRevoke(parts, parts.app, refreshToken, signal)), purged }
}

async function tryRevoke(
  parts: DisconnectParts,
  app: App,
  refreshToken: Secret,
  signal: AbortSignal,
): Promise<boolean> {
  try {
    await revoke(parts.hubspot, app, refreshToken, revokeWithinMs, signal)
    return true
  } catch (err) {
    parts.log.warn(
      { err },
      'a token was forgotten here but HubSpot could not be told; it may be revoked there by uninstalling the app',
    )
    return false
  }
}
