/**
 * Refreshes a token under a claim, and stores the grant even if the caller leaves or a stop begins.
 *
 * A database outage is retried for as long as the claim is valid.
 */
import type { Database } from '../../db/database.ts'
import { type TenantScope, withTenant } from '../../db/scope.ts'
import { asAppError } from '../../hubspot/as-app-error.ts'
import type { HubSpot } from '../../hubspot/client/client.ts'
import { HubSpotError, tokenOfAnotherApp } from '../../hubspot/hubspot-error.ts'
import { type Grant, type OAuthApp, refreshOAuthGrant } from '../../hubspot/oauth.ts'
import type { Clock } from '../../lib/clock.ts'
import { AppError, isTenantErasing } from '../../lib/errors.ts'
import type { Log } from '../../lib/log.ts'
import type { Metrics } from '../../lib/metrics.ts'
import type { KeyRing } from '../../lib/seal.ts'
import type { Secret } from '../../lib/secret.ts'
import type { IntegrationRef } from '../integration.ts'
import { releaseTokenRefresh, type StoredToken, saveRefreshedToken } from './token-store.ts'

/**
 * Below the 20 s lease of a claim, so that a claim outlives its own call, and below the time limit
 * of a stop.
 */
const refreshDeadlineMs = 6_000
/** Together with the deadline above, below the lease of 20 s. */
const saveGrantWithinMs = 12_000
const clientRefusedMessage =
  'HubSpot refuses our client id or secret; no token can be refreshed until HUBSPOT_CLIENT_ID and HUBSPOT_CLIENT_SECRET are corrected'
const badRequestMessage = 'HubSpot rejects our token requests; see the category'
const otherAppMessage =
  'HubSpot issued this refresh token to another app, so the integration must be connected again. If many integrations report this at once, HUBSPOT_CLIENT_ID is not the app that they were connected with'
const noApp = 'HUBSPOT_CLIENT_ID and HUBSPOT_CLIENT_SECRET are not set, so OAuth tokens cannot be refreshed'

export interface RefreshDependencies {
  db: Database
  ring: KeyRing
  hubspot: HubSpot
  app: OAuthApp | undefined
  clock: Clock
  metrics: Metrics
  log: Log
}

export interface Refresher {
  /**
   * Refreshes under the claim `claim`, and stores the outcome or releases the claim.
   *
   * @throws AppError token_invalid | oauth_not_configured; HubSpotError when HubSpot cannot be
   *   reached
   */
  refresh(ref: IntegrationRef, token: StoredToken, claim: number): Promise<void>
  /** Whether no new refresh may start. */
  stopping(): boolean
  /**
   * Waits until the refreshes in progress are stored. Call it before HubSpot or the database is
   * closed.
   */
  settle(): Promise<void>
}

/** Records that HubSpot refuses the token permanently, and throws. */
export type Refuse = (ref: IntegrationRef, epoch: number, reason: string, cause: unknown) => Promise<never>

export function createRefresher(deps: RefreshDependencies, refuse: Refuse): Refresher {
  const { db, ring, hubspot, clock, metrics, log } = deps
  const refreshing = new Set<Promise<void>>()
  let stopping = false
  const within = <T>({ tenantId }: IntegrationRef, work: (scope: TenantScope) => Promise<T>) =>
    withTenant(db, tenantId, work)

  /** Refreshes under a claim. No transaction is open during the call. */
  async function refreshClaimed(ref: IntegrationRef, token: StoredToken, claim: number): Promise<void> {
    const { app } = deps
    if (!app) {
      await within(ref, (scope) => releaseTokenRefresh(scope, ref.integrationId, claim))
      log.error(noApp)
      throw new AppError('oauth_not_configured', noApp)
    }
    if (!token.refreshToken) return await refuse(ref, claim, 'no_refresh_token', undefined)
    const grant = await requestGrant(ref, app, token.refreshToken, claim)
    await saveGrant(ref, claim, grant)
    metrics.tokenRefreshes.inc({ result: 'refreshed' })
  }

  async function requestGrant(
    ref: IntegrationRef,
    app: OAuthApp,
    refreshToken: Secret,
    claim: number,
  ): Promise<Grant> {
    // Not the caller's signal: where refresh tokens rotate, an abandoned response loses the
    // connection.
    const { signal } = new AbortController()
    try {
      return await refreshOAuthGrant(hubspot, app, refreshToken, refreshDeadlineMs, signal)
    } catch (error) {
      if (error instanceof HubSpotError && error.kind === 'grant_refused') {
        metrics.tokenRefreshes.inc({ result: 'refused' })
        if (error.category === tokenOfAnotherApp) {
          log.error(ref, otherAppMessage)
          return await refuse(ref, claim, 'refresh_token_of_another_app', error)
        }
        return await refuse(ref, claim, `refresh_refused:${error.category ?? 'unknown'}`, error)
      }
      await within(ref, (scope) => releaseTokenRefresh(scope, ref.integrationId, claim))
      const misconfigured = error instanceof HubSpotError && error.kind === 'misconfigured'
      metrics.tokenRefreshes.inc({ result: misconfigured ? 'misconfigured' : 'unavailable' })
      if (misconfigured)
        log.error(
          { category: error.category },
          error.clientRefused ? clientRefusedMessage : badRequestMessage,
        )
      else if (error instanceof HubSpotError && error.status !== undefined && error.status < 500)
        log.warn(
          { ...ref, status: error.status, category: error.category, page: error.isPage },
          'HubSpot’s token endpoint returned an unusable response; the refresh will be retried',
        )
      throw asAppErrorIfMisconfigured(error)
    }
  }

  /**
   * Stores what HubSpot granted. The previous refresh token may already be invalid, so a brief
   * database outage is retried for as long as the claim can last; the claim is never released once
   * a grant is received.
   */
  async function saveGrant(ref: IntegrationRef, claim: number, grant: Grant): Promise<void> {
    const { accessToken, refreshToken, expiresInMs } = grant
    const token = { kind: 'oauth', accessToken, refreshToken, expiresInMs } as const
    const { signal } = new AbortController()
    const end = clock.monotonic() + saveGrantWithinMs
    for (;;) {
      try {
        await within(ref, (scope) => saveRefreshedToken(scope, ring, ref.integrationId, claim, token))
        return
      } catch (err) {
        if (isTenantErasing(err)) throw err
        if (clock.monotonic() >= end) {
          log.error(
            { err, ...ref },
            'a refreshed token could not be stored; the integration may have to be connected again',
          )
          throw err
        }
        log.warn({ err, ...ref }, 'a refreshed token could not be stored yet')
        await clock.sleep(250, signal)
      }
    }
  }

  return {
    async refresh(ref, token, claim) {
      const refresh = refreshClaimed(ref, token, claim)
      refreshing.add(refresh)
      await refresh.finally(() => refreshing.delete(refresh))
    },
    stopping: () => stopping,
    async settle() {
      stopping = true
      await Promise.allSettled(refreshing)
    },
  }
}

export const asAppErrorIfMisconfigured = (error: unknown) =>
  error instanceof HubSpotError && error.kind === 'misconfigured' ? asAppError(error) : error
