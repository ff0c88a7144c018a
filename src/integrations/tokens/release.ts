/** Ending a grant at HubSpot that nobody here holds any more, without ending another's with it. */
import type { Database } from '../../db/database.ts'
import { withSystem } from '../../db/scope.ts'
import type { HubSpot } from '../../hubspot/client/client.ts'
import { type App, revoke } from '../../hubspot/oauth.ts'
import type { Log } from '../../lib/log.ts'
import type { Secret } from '../../lib/secret.ts'
import { portalIsShared } from '../store.ts'

export interface ReleaseParts {
  db: Database
  hubspot: HubSpot
  app: App | undefined
  log: Log
}

/** Whoever waits for it waits so long at most; the tokens here are gone before that. */
const revokeWithinMs = 5_000

/**
 * Revokes the refresh token unless something else that lives hangs on the same account: HubSpot may have given both the
 * same token.
 *
 * @param except the integration that the grant was of; absent: it never became one's
 * @returns whether HubSpot was told. A HubSpot that does not answer is logged, and nothing more
 */
export async function releaseGrant(
  { db, hubspot, app, log }: ReleaseParts,
  grant: { portalId: number | null; refreshToken: Secret | undefined },
  except: string | undefined,
  signal: AbortSignal,
): Promise<boolean> {
  const { portalId, refreshToken } = grant
  if (!refreshToken || !app || portalId === null) return false
  if (await withSystem(db, (scope) => portalIsShared(scope, portalId, except))) return false
  try {
    await revoke(hubspot, app, refreshToken, revokeWithinMs, signal)
    return true
  } catch (err) {
    log.warn(
      { err },
      'a token was forgotten here but HubSpot could not be told; it may be revoked there by uninstalling the app',
    )
    return false
  }
}
