/**
 * Provides a valid token for every call: unexpired, recently confirmed, and refreshed in time.
 *
 * One process at a time refreshes a token, and refreshes it again if HubSpot still returns 401.
 * Over 200 lines because checking, renewing and giving up a token depend on each other.
 */
import { type TenantScope, withTenant } from '../../db/scope.ts'
import { readAccountInfo } from '../../hubspot/account-info.ts'
import { missingScopes } from '../../hubspot/as-app-error.ts'
import type { HubSpotAccess, RetryLimits } from '../../hubspot/client/client.ts'
import { HubSpotError } from '../../hubspot/hubspot-error.ts'
import { readScopesCode, scopesCode } from '../../hubspot/missing-scopes.ts'
import { listPage, type ObjectPaths } from '../../hubspot/objects.ts'
import { hasStaticTokenFacts, introspectToken, staticTokenFacts } from '../../hubspot/token-facts.ts'
import { AppError, integrationNotFound, tokenInvalid } from '../../lib/errors.ts'
import type { Secret } from '../../lib/secret.ts'
import type { Integration, IntegrationRef } from '../integration.ts'
import { findIntegration, lockIntegration, setIntegrationStatus } from '../store.ts'
import { asAppErrorIfMisconfigured, createRefresher, type RefreshDependencies } from './refresh.ts'
import {
  claimTokenRefresh,
  confirmToken,
  openToken,
  readSealedToken,
  readToken,
  releaseTokenRefresh,
  type SealedToken,
  type StoredToken,
} from './token-store.ts'

/** How long a process waits for the one that refreshes: one lease and a little more. */
const refreshWaitMs = 22_000

export interface TokenDependencies extends RefreshDependencies {
  /** A token that was confirmed longer ago than this is checked with HubSpot before use, ms. */
  checkEveryMs: number
  tickets: ObjectPaths
}

export interface UseOptions {
  retryLimits: RetryLimits
  signal: AbortSignal
  /** `work` itself makes the call that proves the token, so HubSpot is not asked first. */
  provesToken?: boolean
  /** What the caller read a moment ago; absent: it is read now. */
  stored?: StoredAccess | undefined
}

/** An integration and its token, as stored. */
export interface StoredAccess {
  integration: Integration | undefined
  token: SealedToken | undefined
}

export const readStoredAccess = async (scope: TenantScope, integrationId: string): Promise<StoredAccess> => ({
  integration: await findIntegration(scope, integrationId),
  token: await readSealedToken(scope, integrationId),
})

export interface Tokens {
  /**
   * Runs `work` with a valid token, and again with a refreshed one when HubSpot returns 401. One
   * use is one request, no matter how many calls `work` makes: the token is confirmed at most once
   * for it.
   *
   * @throws AppError integration_not_found | integration_not_connected | token_invalid |
   *   oauth_not_configured; HubSpotError as `work` and the checks throw it
   */
  use<T>(
    ref: IntegrationRef,
    options: UseOptions,
    work: (access: HubSpotAccess, integration: Integration) => Promise<T>,
  ): Promise<T>
  /**
   * Starts no further refresh, and waits until those in progress are stored. Call it before HubSpot
   * or the database is closed.
   */
  settle(): Promise<void>
  /** Returns the stored token without calling HubSpot. */
  stored(ref: IntegrationRef): Promise<StoredToken | undefined>
}

interface UsableToken {
  integration: Integration & { hub_id: number }
  token: StoredToken
}

export function createTokens(deps: TokenDependencies): Tokens {
  const { db, ring, hubspot, clock, metrics, log } = deps
  const within = <T>({ tenantId }: IntegrationRef, work: (scope: TenantScope) => Promise<T>) =>
    withTenant(db, tenantId, work)

  /** Returns the integration and its token if calls are allowed. */
  async function read(ref: IntegrationRef): Promise<UsableToken> {
    return await open(ref, await within(ref, (scope) => readStoredAccess(scope, ref.integrationId)))
  }

  async function open(ref: IntegrationRef, { integration, token }: StoredAccess): Promise<UsableToken> {
    if (!integration) throw integrationNotFound()
    const { status, hub_id } = integration
    if (status === 'reauth_required') {
      const missing = readScopesCode(integration.status_reason)
      throw missing ? missingScopes(missing) : tokenInvalid()
    }
    if (status === 'pending' || status === 'disconnected' || hub_id === null || !token) {
      throw new AppError('integration_not_connected', `The integration is ${status}; connect it first`)
    }
    return { integration: { ...integration, hub_id }, token: await openToken(ring, ref, token) }
  }

  /**
   * Records that HubSpot refuses the token permanently, so that the tenant must connect again. Logs
   * it once.
   */
  async function refuse(ref: IntegrationRef, epoch: number, reason: string, cause: unknown): Promise<never> {
    const moved = await within(ref, async (scope) => {
      await lockIntegration(scope, ref.integrationId)
      // Only while this is still the current token: a reconnect may have come first.
      if (!(await releaseTokenRefresh(scope, ref.integrationId, epoch))) return false
      return await setIntegrationStatus(scope, ref.integrationId, 'reauth_required', reason)
    })
    if (moved)
      log.warn({ ...ref, reason }, 'HubSpot refuses the token; the integration must be connected again')
    throw tokenInvalid(cause)
  }

  const refresher = createRefresher(deps, refuse)

  /** Returns a newer token than `stale`: refreshes it, or waits for the process that does. */
  async function renew(ref: IntegrationRef, stale: StoredToken, signal: AbortSignal): Promise<UsableToken> {
    const end = clock.monotonic() + refreshWaitMs
    let epoch = stale.epoch
    for (;;) {
      if (refresher.stopping())
        throw new AppError('unavailable', 'The service is stopping', { retryAfter: 5 })
      const claim = await within(ref, (scope) => claimTokenRefresh(scope, ref.integrationId, epoch))
      if (claim !== undefined) {
        // Read again under the claim: the refresh token must be the one of this epoch.
        const { token } = await read(ref)
        await refresher.refresh(ref, token, claim)
        return await read(ref)
      }
      await clock.sleep(50 + 150 * clock.random(), signal)
      const now = await read(ref)
      if (!now.token.leased && !now.token.due && isNewer(now.token, stale)) return now
      if (clock.monotonic() >= end) throw new HubSpotError('timeout', 'oauth token')
      epoch = now.token.epoch
    }
  }

  /** Asks HubSpot whether the token is still valid. */
  async function isActive({ token }: UsableToken, { retryLimits, signal }: UseOptions): Promise<boolean> {
    if (token.kind === 'oauth' && deps.app) {
      return (
        (await introspectToken(hubspot, deps.app, token.accessToken, retryLimits.totalMs, signal)) !==
        undefined
      )
    }
    if (
      token.kind === 'static' &&
      (await staticTokenFacts(hubspot, token.accessToken, retryLimits.totalMs, signal))
    )
      return true
    return await opensAccount(token.accessToken, retryLimits, signal)
  }

  async function confirmed(
    ref: IntegrationRef,
    ready: UsableToken,
    options: UseOptions,
  ): Promise<UsableToken> {
    const { token } = ready
    if (token.confirmedMsAgo !== undefined && token.confirmedMsAgo < deps.checkEveryMs) return ready
    const active = await isActive(ready, options).catch((error: unknown) => {
      metrics.tokenChecks.inc({ result: 'unavailable' })
      throw asAppErrorIfMisconfigured(error)
    })
    metrics.tokenChecks.inc({ result: active ? 'active' : 'refused' })
    if (!active) return await afterRefusal(ref, ready, options)
    await within(ref, (scope) => confirmToken(scope, ref.integrationId, token.epoch))
    return ready
  }

  /**
   * Counts a call that HubSpot just answered as the confirmation; writes no more often than needed.
   */
  async function noteProof(ref: IntegrationRef, { confirmedMsAgo, epoch }: StoredToken): Promise<void> {
    if (confirmedMsAgo !== undefined && confirmedMsAgo < deps.checkEveryMs / 2) return
    await within(ref, (scope) => confirmToken(scope, ref.integrationId, epoch))
  }

  /**
   * Handles a token that HubSpot refused: refreshes it where that is possible. A token that cannot
   * be refreshed is given up only if HubSpot also refuses it in a second, different call: HubSpot
   * sometimes returns a single 401 for a valid token.
   */
  async function afterRefusal(
    ref: IntegrationRef,
    ready: UsableToken,
    options: UseOptions,
  ): Promise<UsableToken> {
    const { token } = ready
    if (token.kind === 'oauth') return await renew(ref, token, options.signal)
    if (await isKnown(token, options)) return ready
    const reason = token.kind === 'foreign' ? 'token_expired' : 'token_refused'
    return await refuse(ref, token.epoch, reason, undefined)
  }

  /** @throws HubSpotError when HubSpot cannot be reached: the result is then unknown */
  async function isKnown(token: StoredToken, { retryLimits, signal }: UseOptions): Promise<boolean> {
    const { accessToken, kind } = token
    const known =
      kind === 'static'
        ? await hasStaticTokenFacts(hubspot, accessToken, retryLimits.totalMs, signal)
        : undefined
    return known ?? (await opensAccount(accessToken, retryLimits, signal))
  }

  async function opensAccount(
    token: Secret,
    retryLimits: RetryLimits,
    signal: AbortSignal,
  ): Promise<boolean> {
    try {
      await readAccountInfo(hubspot, token, retryLimits, signal)
      return true
    } catch (error) {
      if (!(error instanceof HubSpotError)) throw error
      if (error.kind === 'unauthorized') return false
      // HubSpot returns 403 for a known token that lacks the scope for this one call.
      if (error.kind === 'forbidden') return true
      throw error
    }
  }

  const accessOf = ({ token, integration }: UsableToken): HubSpotAccess => ({
    token: token.accessToken,
    app: token.kind === 'oauth' && deps.app ? deps.app.clientId : 'pasted',
    hubId: integration.hub_id,
  })

  /**
   * Without a scope for tickets nothing can be read, so the tenant must connect again. HubSpot
   * names the scopes that the call required, not those that the token lacks; reading a ticket
   * decides.
   */
  async function noticeMissingScope(
    ref: IntegrationRef,
    ready: UsableToken,
    error: unknown,
    options: UseOptions,
  ): Promise<void> {
    if (!(error instanceof HubSpotError && error.missing)) return
    if (await readsTickets(ready, options)) return
    await refuse(ref, ready.token.epoch, scopesCode(error.missing), error).catch(() => {})
  }

  /**
   * Whether a ticket can be read without properties. If so, the refusal was about a property or
   * something else.
   */
  async function readsTickets(ready: UsableToken, { retryLimits, signal }: UseOptions): Promise<boolean> {
    const bare = { ...deps.tickets, properties: [] }
    const options = { access: accessOf(ready), retryLimits, signal }
    try {
      await listPage(hubspot, bare, { after: undefined, limit: 1 }, options)
      return true
    } catch (error) {
      // A failed check is no reason to give up the token.
      return !(error instanceof HubSpotError && error.missing)
    }
  }

  return {
    async use(ref, options, work) {
      // What was stored a moment ago may have been replaced since, by a connect.
      const found = options.stored ? await open(ref, options.stored).catch(() => read(ref)) : await read(ref)
      const fresh = found.token.due ? await renew(ref, found.token, options.signal) : found
      const ready = options.provesToken ? fresh : await confirmed(ref, fresh, options)
      try {
        const done = await work(accessOf(ready), ready.integration)
        if (options.provesToken) await noteProof(ref, ready.token)
        return done
      } catch (error) {
        await noticeMissingScope(ref, ready, error, options)
        if (!(error instanceof HubSpotError && error.kind === 'unauthorized')) throw error
        const now = options.stored ? await read(ref) : ready
        const again = isNewer(now.token, ready.token) ? now : await afterRefusal(ref, ready, options)
        try {
          return await work(accessOf(again), again.integration)
        } catch (second) {
          throw again.token.kind === 'oauth' ? second : asOutage(second)
        }
      }
    },
    settle: () => refresher.settle(),
    stored: (ref) => within(ref, (scope) => readToken(scope, ring, ref.integrationId)),
  }
}

/**
 * Handles a second 401 for a token that cannot be refreshed: HubSpot knows the token and still
 * refuses it, which is an outage. After a refresh, the second 401 goes to the caller unchanged:
 * HubSpot granted that token a moment ago, so it is not given up.
 */
function asOutage(error: unknown): unknown {
  if (!(error instanceof HubSpotError && error.kind === 'unauthorized')) return error
  const { endpoint, category } = error
  return new HubSpotError('unavailable', endpoint, { status: 401, category, cause: error })
}

/**
 * A different access token than the stale one; comparing epochs is not enough, because a claim
 * alone also advances the epoch.
 */
const isNewer = (now: StoredToken, stale: StoredToken) =>
  now.accessToken.reveal() !== stale.accessToken.reveal()
