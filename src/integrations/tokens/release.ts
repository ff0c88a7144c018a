/** Revokes a grant at HubSpot that is no longer used here, without ending another's. */
import type { Database } from '../../db/database.ts'
import { withSystem } from '../../db/scope.ts'
import type { HubSpot } from '../../hubspot/client/client.ts'
import { type OAuthApp, revokeOAuthGrant } from '../../hubspot/oauth.ts'
import type { Log } from '../../lib/log.ts'
import type { Secret } from '../../lib/secret.ts'
import { accountIsShared } from '../account-store.ts'

export interface ReleaseDependencies {
  db: Database
  hubspot: HubSpot
  app: OAuthApp | undefined
  log: Log
}

/** Maximum wait for the caller; the tokens here are deleted before that. */
const revokeWithinMs = 5_000

/**
 * Revokes the refresh token unless a live integration or waiting grant uses the same account:
 * HubSpot may have given both the same token.
 *
 * @param except the integration that the grant belonged to; absent: it never became an
 *   integration's
 * @returns whether HubSpot revoked it. If HubSpot does not respond, this is only logged
 */
export async function releaseGrant(
  { db, hubspot, app, log }: ReleaseDependencies,
  grant: { hubId: number | null; refreshToken: Secret | undefined },
  except: string | undefined,
  signal: AbortSignal,
): Promise<boolean> {
  const { hubId, refreshToken } = grant
  if (!refreshToken || !app || hubId === null) return false
  if (await withSystem(db, (scope) => accountIsShared(scope, hubId, except))) return false
  try {
    await revokeOAuthGrant(hubspot, app, refreshToken, revokeWithinMs, signal)
    return true
  } catch (err) {
    log.warn(
      { err },
      'a token was deleted here but could not be revoked at HubSpot; to revoke it, uninstall the app in that HubSpot account',
    )
    return false
  }
}
