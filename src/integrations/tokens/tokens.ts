/**
 * A valid token before every call: known not to be expired, confirmed by HubSpot lately, refreshed in time by one
 * process at a time, and once more when HubSpot answers 401 all the same.
 */
import { type TenantScope, withTenant } from '../../db/scope.ts'
import { missingScopes } from '../../hubspot/as-app-error.ts'
import type { Access, Patience } from '../../hubspot/client/client.ts'
import { HubSpotError } from '../../hubspot/hubspot-error.ts'
import { readScopesCode, scopesCode } from '../../hubspot/missing-scopes.ts'
import { accountInfo, listPage, type ObjectPaths } from '../../hubspot/objects.ts'
import { introspect, knowsStaticToken, staticTokenFacts } from '../../hubspot/token-facts.ts'
import { AppError, integrationNotFound, tokenInvalid } from '../../lib/errors.ts'
import type { Secret } from '../../lib/secret.ts'
import type { Integration, Whose } from '../integration.ts'
import { findIntegration, lockIntegration, moveTo } from '../store.ts'
import { asAppErrorIfMisconfigured, createRefresher, type RefreshParts } from './refresh.ts'
import { claimRefresh, confirmToken, type HeldToken, readToken, releaseRefresh } from './token-store.ts'

/** A loser waits for the winner this long: one lease and a little. */
const loserWaitsMs = 22_000

export interface TokenParts extends RefreshParts {
  /** A token confirmed longer ago than this is introspected before use, ms. */
  checkEveryMs: number
  tickets: ObjectPaths
}

export interface UseOptions {
  patience: Patience
  signal: AbortSignal
  /** `work` itself makes the call that proves the token, so HubSpot is not asked about it first. */
  provesToken?: boolean
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
      if (status === 'reauth_required') {
        const missing = readScopesCode(integration.statusReason)
        throw missing ? missingScopes(missing) : tokenInvalid()
      }
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

  const refresher = createRefresher(parts, refuse)

  /** A newer token than `stale`: by our own refresh, or by waiting for the process that refreshes. */
  async function renew(whose: Whose, stale: HeldToken, signal: AbortSignal): Promise<Ready> {
    const end = clock.monotonic() + loserWaitsMs
    let epoch = stale.epoch
    for (;;) {
      if (refresher.stopping())
        throw new AppError('unavailable', 'The service is stopping', { retryAfter: 5 })
      const claim = await within(whose, (scope) => claimRefresh(scope, whose.integrationId, epoch))
      if (claim !== undefined) {
        // Read again under the claim: the refresh token must be the one of this epoch.
        const { token } = await read(whose)
        await refresher.refresh(whose, token, claim)
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
    return await opensAccount(token.accessToken, patience, signal)
  }

  async function confirmed(whose: Whose, ready: Ready, options: UseOptions): Promise<Ready> {
    const { token } = ready
    if (token.confirmedMsAgo !== undefined && token.confirmedMsAgo < parts.checkEveryMs) return ready
    const active = await isActive(ready, options).catch((error: unknown) => {
      metrics.tokenChecks.inc({ result: 'unavailable' })
      throw asAppErrorIfMisconfigured(error)
    })
    metrics.tokenChecks.inc({ result: active ? 'active' : 'refused' })
    if (!active) return await afterRefusal(whose, ready, options)
    await within(whose, (scope) => confirmToken(scope, whose.integrationId, token.epoch))
    return ready
  }

  /** A call that HubSpot has just answered counts as its confirmation; written no more often than it is needed. */
  async function noteProof(whose: Whose, { confirmedMsAgo, epoch }: HeldToken): Promise<void> {
    if (confirmedMsAgo !== undefined && confirmedMsAgo < parts.checkEveryMs / 2) return
    await within(whose, (scope) => confirmToken(scope, whose.integrationId, epoch))
  }

  /**
   * After HubSpot said no to the token: a refreshed one where that is possible. One that cannot be refreshed is given up only when
   * HubSpot says no a second time, to another question: single 401s come for tokens that live.
   */
  async function afterRefusal(whose: Whose, ready: Ready, options: UseOptions): Promise<Ready> {
    const { token } = ready
    if (token.kind === 'oauth') return await renew(whose, token, options.signal)
    if (await isKnown(token, options)) return ready
    const reason = token.kind === 'foreign' ? 'token_expired' : 'token_refused'
    return await refuse(whose, token.epoch, reason, undefined)
  }

  /** @throws HubSpotError when HubSpot cannot be asked now: then nothing is known */
  async function isKnown(token: HeldToken, { patience, signal }: UseOptions): Promise<boolean> {
    const { accessToken, kind } = token
    const known =
      kind === 'static' ? await knowsStaticToken(hubspot, accessToken, patience.totalMs, signal) : undefined
    return known ?? (await opensAccount(accessToken, patience, signal))
  }

  async function opensAccount(token: Secret, patience: Patience, signal: AbortSignal): Promise<boolean> {
    try {
      await accountInfo(hubspot, token, patience, signal)
      return true
    } catch (error) {
      if (!(error instanceof HubSpotError)) throw error
      if (error.kind === 'unauthorized') return false
      // 403 is an answer to a known token that lacks the scope for this one question.
      if (error.kind === 'forbidden') return true
      throw error
    }
  }

  const accessOf = ({ token, integration }: Ready): Access => ({
    token: token.accessToken,
    app: token.kind === 'oauth' && parts.app ? parts.app.clientId : 'pasted',
    portalId: integration.portalId,
  })

  /**
   * Without a scope for tickets nothing can be read: the tenant must connect again. What HubSpot names is what the call required, not
   * what the token lacks, so that a ticket is asked for.
   */
  async function noticeMissingScope(
    whose: Whose,
    ready: Ready,
    error: unknown,
    options: UseOptions,
  ): Promise<void> {
    if (!(error instanceof HubSpotError && error.missing)) return
    if (await readsTickets(ready, options)) return
    await refuse(whose, ready.token.epoch, scopesCode(error.missing), error).catch(() => {})
  }

  /** Whether a ticket can be read by itself, so that what was refused is one of its properties, or something else. */
  async function readsTickets(ready: Ready, { patience, signal }: UseOptions): Promise<boolean> {
    const bare = { ...parts.tickets, properties: [] }
    const options = { access: accessOf(ready), patience, signal }
    try {
      await listPage(hubspot, bare, { after: undefined, limit: 1 }, options)
      return true
    } catch (error) {
      // Nothing is given up for what could not be asked.
      return !(error instanceof HubSpotError && error.missing)
    }
  }

  return {
    async use(whose, options, work) {
      const found = await read(whose)
      const fresh = found.token.due ? await renew(whose, found.token, options.signal) : found
      const ready = options.provesToken ? fresh : await confirmed(whose, fresh, options)
      try {
        const done = await work(accessOf(ready), ready.integration)
        if (options.provesToken) await noteProof(whose, ready.token)
        return done
      } catch (error) {
        await noticeMissingScope(whose, ready, error, options)
        if (!(error instanceof HubSpotError && error.kind === 'unauthorized')) throw error
        const again = await afterRefusal(whose, ready, options)
        try {
          return await work(accessOf(again), again.integration)
        } catch (second) {
          throw again.token.kind === 'oauth' ? second : asOutage(second)
        }
      }
    },
    settle: () => refresher.settle(),
    held: (whose) => within(whose, (scope) => readToken(scope, ring, whose.integrationId)),
  }
}

/**
 * A second 401 is the caller's. HubSpot granted this token a moment ago, so that nothing is given up; one that HubSpot knows and
 * refuses all the same is an outage.
 */
function asOutage(error: unknown): unknown {
  if (!(error instanceof HubSpotError && error.kind === 'unauthorized')) return error
  const { endpoint, category } = error
  return new HubSpotError('unavailable', endpoint, { status: 401, category, cause: error })
}

/** Another access token than the stale one: a claim alone also moves the epoch. */
const isNewer = (now: HeldToken, stale: HeldToken) => now.accessToken.reveal() !== stale.accessToken.reveal()
