/**
 * A valid token before every call: known not to be expired, confirmed by HubSpot lately, refreshed in time by one
 * process at a time, and once more when HubSpot answers 401 all the same.
 */
import { asAppError } from '../hubspot/as-app-error.ts'
import type { Access, HubSpot, Patience } from '../hubspot/client.ts'
import { HubSpotError } from '../hubspot/errors.ts'
import { type App, type Grant, introspect, refreshGrant, staticTokenFacts } from '../hubspot/oauth.ts'
import { accountInfo } from '../hubspot/objects.ts'
import type { Clock } from '../lib/clock.ts'
import type { Database } from '../lib/db.ts'
import { AppError, integrationNotFound, tokenInvalid } from '../lib/errors.ts'
import type { Log } from '../lib/log.ts'
import type { Metrics } from '../lib/metrics.ts'
import type { KeyRing } from '../lib/seal.ts'
import type { Secret } from '../lib/secret.ts'
import { type TenantScope, withTenant } from '../tenants/scope.ts'
import type { TenantId } from '../tenants/tenant.ts'
import type { Integration } from './integration.ts'
import { findIntegration, lockIntegration, moveTo } from './store.ts'
import {
  claimRefresh,
  confirmToken,
  type HeldToken,
  keepRefreshed,
  readToken,
  releaseRefresh,
} from './token-store.ts'

/** Below the 20 s lease of a claim, so that a claim outlives its own call, and below what a stop may take. */
const refreshDeadlineMs = 6_000
/** With the deadline above below the lease of 20 s. */
const keepGrantWithinMs = 12_000
const noApp = 'HUBSPOT_CLIENT_ID and HUBSPOT_CLIENT_SECRET are not set, so OAuth tokens cannot be refreshed'
/** A loser waits for the winner this long: one lease and a little. */
const loserWaitsMs = 22_000

export interface TokenParts {
  db: Database
  ring: KeyRing
  hubspot: HubSpot
  app: App | undefined
  /** A token confirmed longer ago than this is introspected before use, ms. */
  checkEveryMs: number
  clock: Clock
  metrics: Metrics
  log: Log
}

export interface Whose {
  tenantId: TenantId
  integrationId: string
}

export interface UseOptions {
  patience: Patience
  signal: AbortSignal
}

export interface Tokens {
  /**
   * Runs `work` with a valid token; once more with a refreshed one when HubSpot answers 401. One use is one
   * request, however many calls `work` makes: the token is confirmed at most once for it.
   *
   * @throws AppError integration_not_found | integration_not_connected | token_invalid | oauth_not_configured;
   *   HubSpotError as `work` and the checks throw it
   */
  use<T>(
    whose: Whose,
    options: UseOptions,
    work: (access: Access, integration: Integration) => Promise<T>,
  ): Promise<T>
  /** Starts no refresh any more, and waits until those under way are stored. Before HubSpot or the database is closed. */
  settle(): Promise<void>
  /** What is held now, without asking HubSpot. */
  held(whose: Whose): Promise<HeldToken | undefined>
}

interface Ready {
  integration: Integration & { portalId: number }
  token: HeldToken
}

export function createTokens(parts: TokenParts): Tokens {
  const { db, ring, hubspot, clock, metrics, log } = parts
  const within = <T>({ tenantId }: Whose, work: (scope: TenantScope) => Promise<T>) =>
    withTenant(db, tenantId, work)

  /** The integration and its token, when calls may be made at all. */
  async function read(whose: Whose): Promise<Ready> {
    return await within(whose, async (scope) => {
      const integration = await findIntegration(scope, whose.integrationId)
      if (!integration) throw integrationNotFound()
      const { status, portalId } = integration
      if (status === 'reauth_required') throw tokenInvalid()
      const token = await readToken(scope, ring, whose.integrationId)
      if (status === 'pending' || status === 'disconnected' || portalId === null || !token) {
        throw new AppError('integration_not_connected', `The integration is ${status}; connect it first`)
      }
      return { integration: { ...integration, portalId }, token }
    })
  }

  /** HubSpot refuses the token for good: the tenant must connect again. Says so once. */
  async function refuse(whose: Whose, epoch: number, reason: string, cause: unknown): Promise<never> {
    const moved = await within(whose, async (scope) => {
      await lockIntegration(scope, whose.integrationId)
      // Only while it is still this token: a reconnect may have come first.
      if (!(await releaseRefresh(scope, whose.integrationId, epoch))) return false
      return await moveTo(scope, whose.integrationId, 'reauth_required', reason)
    })
    if (moved)
      log.warn({ ...whose, reason }, 'HubSpot refuses the token; the integration must be connected again')
    throw tokenInvalid(cause)
  }

  /** Refreshes with the claim in hand. No transaction is open across the call. */
  async function refreshClaimed(whose: Whose, token: HeldToken, claim: number): Promise<void> {
    const { app } = parts
    if (!app) {
      await within(whose, (scope) => releaseRefresh(scope, whose.integrationId, claim))
      log.error(noApp)
      throw new AppError('oauth_not_configured', noApp)
    }
    if (!token.refreshToken) return await refuse(whose, claim, 'no_refresh_token', undefined)
    const grant = await askForGrant(whose, app, token.refreshToken, claim)
    await keepGrant(whose, claim, grant)
    metrics.tokenRefreshes.inc({ result: 'refreshed' })
  }

  async function askForGrant(whose: Whose, app: App, refreshToken: Secret, claim: number): Promise<Grant> {
    // Not the caller's signal: where refresh tokens rotate, an answer given up on is a connection lost.
    const { signal } = new AbortController()
    try {
      return await refreshGrant(hubspot, app, refreshToken, refreshDeadlineMs, signal)
    } catch (error) {
      if (error instanceof HubSpotError && error.kind === 'grant_refused') {
        metrics.tokenRefreshes.inc({ result: 'refused' })
        return await refuse(whose, claim, `refresh_refused:${error.category ?? 'unknown'}`, error)
      }
      await within(whose, (scope) => releaseRefresh(scope, whose.integrationId, claim))
      const misconfigured = error instanceof HubSpotError && error.kind === 'misconfigured'
      metrics.tokenRefreshes.inc({ result: misconfigured ? 'misconfigured' : 'unavailable' })
      if (misconfigured) {
        log.error(
          { category: error.category },
          'HubSpot refuses our client id or secret; no token can be refreshed until HUBSPOT_CLIENT_ID and HUBSPOT_CLIENT_SECRET are right',
        )
      }
      throw asAppErrorIfMisconfigured(error)
    }
  }

  /**
   * Stores what HubSpot granted. The refresh token before it may be dead already, so a database that is away for a
   * moment is tried again for as long as the claim can hold; the claim is never given back with a grant in hand.
   */
  async function keepGrant(whose: Whose, claim: number, grant: Grant): Promise<void> {
    const { accessToken, refreshToken, expiresInMs } = grant
    const token = { kind: 'oauth', accessToken, refreshToken, expiresInMs } as const
    const { signal } = new AbortController()
    const end = clock.monotonic() + keepGrantWithinMs
    for (;;) {
      try {
        await within(whose, (scope) => keepRefreshed(scope, ring, whose.integrationId, claim, token))
        return
      } catch (err) {
        if (clock.monotonic() >= end) {
          log.error(
            { err, ...whose },
            'a refreshed token could not be stored; the integration may have to be connected again',
          )
          throw err
        }
        log.warn({ err, ...whose }, 'a refreshed token could not be stored yet')
        await clock.sleep(250, signal)
      }
    }
  }

  /** A stop waits for these: what HubSpot has granted must be stored before the database is closed. */
  const refreshing = new Set<Promise<void>>()
  let stopping = false
  async function refreshTracked(whose: Whose, token: HeldToken, claim: number): Promise<void> {
    const refresh = refreshClaimed(whose, token, claim)
    refreshing.add(refresh)
    await refresh.finally(() => refreshing.delete(refresh))
  }

  /** A newer token than `stale`: by our own refresh, or by waiting for the process that refreshes. */
  async function renew(whose: Whose, stale: HeldToken, signal: AbortSignal): Promise<Ready> {
    const end = clock.monotonic() + loserWaitsMs
    let epoch = stale.epoch
    for (;;) {
      if (stopping) throw new AppError('unavailable', 'The service is stopping', { retryAfter: 5 })
      const claim = await within(whose, (scope) => claimRefresh(scope, whose.integrationId, epoch))
      if (claim !== undefined) {
        // Read again under the claim: the refresh token must be the one of this epoch.
        const { token } = await read(whose)
        await refreshTracked(whose, token, claim)
        return await read(whose)
      }
      await clock.sleep(50 + 150 * clock.random(), signal)
      const now = await read(whose)
      if (!now.token.leased && !now.token.due && isNewer(now.token, stale)) return now
      if (clock.monotonic() >= end) throw new HubSpotError('timeout', 'oauth token')
      epoch = now.token.epoch
    }
  }

  /** Asks HubSpot whether the token still lives. */
  async function isActive({ token }: Ready, { patience, signal }: UseOptions): Promise<boolean> {
    if (token.kind === 'oauth' && parts.app) {
      return (await introspect(hubspot, parts.app, token.accessToken, patience.totalMs, signal)) !== undefined
    }
    if (
      token.kind === 'static' &&
      (await staticTokenFacts(hubspot, token.accessToken, patience.totalMs, signal))
    )
      return true
    try {
      await accountInfo(hubspot, token.accessToken, patience, signal)
      return true
    } catch (error) {
      if (!(error instanceof HubSpotError)) throw error
      if (error.kind === 'unauthorized') return false
      // 403 is an answer to a known token that lacks the scope for this one question.
      if (error.kind === 'forbidden') return true
      throw error
    }
  }

  async function confirmed(whose: Whose, ready: Ready, options: UseOptions): Promise<Ready> {
    const { token } = ready
    if (token.confirmedMsAgo !== undefined && token.confirmedMsAgo < parts.checkEveryMs) return ready
    const active = await isActive(ready, options).catch((error: unknown) => {
      metrics.tokenChecks.inc({ result: 'unavailable' })
      throw asAppErrorIfMisconfigured(error)
    })
    metrics.tokenChecks.inc({ result: active ? 'active' : 'refused' })
    if (!active) return await replaceRefused(whose, token, options.signal)
    await within(whose, (scope) => confirmToken(scope, whose.integrationId, token.epoch))
    return ready
  }

  /** After HubSpot said no to the token: a refreshed one where that is possible. */
  async function replaceRefused(whose: Whose, token: HeldToken, signal: AbortSignal): Promise<Ready> {
    if (token.kind === 'oauth') return await renew(whose, token, signal)
    return await refuse(
      whose,
      token.epoch,
      token.kind === 'foreign' ? 'token_expired' : 'token_refused',
      undefined,
    )
  }

  const accessOf = ({ token, integration }: Ready): Access => ({
    token: token.accessToken,
    app: token.kind === 'oauth' && parts.app ? parts.app.clientId : 'pasted',
    portalId: integration.portalId,
  })

  async function noticeMissingScope(whose: Whose, { token }: Ready, error: unknown): Promise<void> {
    if (!(error instanceof HubSpotError && error.kind === 'forbidden' && error.category === 'MISSING_SCOPES'))
      return
    await refuse(whose, token.epoch, `missing_scopes:${error.scopes.join(',')}`, error).catch(() => {})
  }

  return {
    async use(whose, options, work) {
      const found = await read(whose)
      const fresh = found.token.due ? await renew(whose, found.token, options.signal) : found
      const ready = await confirmed(whose, fresh, options)
      try {
        return await work(accessOf(ready), ready.integration)
      } catch (error) {
        await noticeMissingScope(whose, ready, error)
        if (!(error instanceof HubSpotError && error.kind === 'unauthorized')) throw error
        const again = await replaceRefused(whose, ready.token, options.signal)
        // A second 401 is the caller's: HubSpot granted this token a moment ago, so it may pass, and nothing is given up.
        return await work(accessOf(again), again.integration)
      }
    },
    async settle() {
      stopping = true
      await Promise.allSettled(refreshing)
    },
    held: (whose) => within(whose, (scope) => readToken(scope, ring, whose.integrationId)),
  }
}

/** Another access token than the stale one: a claim alone also moves the epoch. */
const isNewer = (now: HeldToken, stale: HeldToken) => now.accessToken.reveal() !== stale.accessToken.reveal()

const asAppErrorIfMisconfigured = (error: unknown) =>
  error instanceof HubSpotError && error.kind === 'misconfigured' ? asAppError(error) : error
