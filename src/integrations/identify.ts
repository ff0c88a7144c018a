/** Finds out what a pasted or newly granted token opens: which account, user and scopes. */

import { readAccountInfo } from '../hubspot/account-info.ts'
import { missingScopes } from '../hubspot/as-app-error.ts'
import type { HubSpot, RetryLimits } from '../hubspot/client/client.ts'
import { HubSpotError } from '../hubspot/hubspot-error.ts'
import type { OAuthApp } from '../hubspot/oauth.ts'
import { listPage, type ObjectPaths } from '../hubspot/objects.ts'
import { introspectToken, staticTokenFacts, type TokenFacts } from '../hubspot/token-facts.ts'
import type { Secret } from '../lib/secret.ts'
import { type ConnectedAccount, lacksTickets, type TokenKind } from './integration.ts'

export interface IdentifyDependencies {
  hubspot: HubSpot
  app: OAuthApp | undefined
  /** What the token must be able to read. */
  tickets: ObjectPaths
  retryLimits: RetryLimits
  signal: AbortSignal
}

/**
 * Identifies a pasted token: first as a static token, then as an OAuth token of our app, and
 * finally by what it can do.
 *
 * @throws HubSpotError unauthorized when no method recognizes it; AppError missing_scopes
 */
export async function identifyPastedToken(
  deps: IdentifyDependencies,
  token: Secret,
): Promise<ConnectedAccount> {
  const { hubspot, app, retryLimits, signal } = deps
  const asStatic = await staticTokenFacts(hubspot, token, retryLimits.totalMs, signal)
  if (asStatic) return await completeFacts(deps, token, 'static', asStatic)
  // A wrong client secret must not prevent tenants from pasting tokens, so treat this error as
  // unknown.
  const asOurs =
    app &&
    (await introspectToken(hubspot, app, token, retryLimits.totalMs, signal).catch(ignoreMisconfigured))
  return await completeFacts(deps, token, 'foreign', asOurs ?? {})
}

/**
 * Identifies a token that our app was just granted; `granted` is the content of the token response.
 */
export async function identifyGrantedToken(
  deps: IdentifyDependencies,
  token: Secret,
  granted: TokenFacts,
): Promise<ConnectedAccount> {
  const { hubspot, app, retryLimits, signal } = deps
  const introspected = app && (await introspectToken(hubspot, app, token, retryLimits.totalMs, signal))
  // Use the token response where introspection lacks a value: HubSpot's 2026-09 may return only
  // `active`.
  const facts: TokenFacts = {
    ...introspected,
    hubId: granted.hubId ?? introspected?.hubId,
    scopes: granted.scopes ?? introspected?.scopes,
    expiresInMs: granted.expiresInMs,
  }
  return await completeFacts(deps, token, 'oauth', facts)
}

/** Reads missing facts from the account itself, and checks that tickets can be read. */
async function completeFacts(
  deps: IdentifyDependencies,
  token: Secret,
  kind: TokenKind,
  facts: TokenFacts,
): Promise<ConnectedAccount> {
  const { hubspot, retryLimits, signal, tickets } = deps
  if (lacksTickets(facts.scopes)) throw missingScopes({ names: ['tickets'], need: 'all' })
  const account = await readAccountInfo(hubspot, token, retryLimits, signal).catch((error: unknown) => {
    // Without the scope for account info the domain stays unknown, but the account must be known.
    if (error instanceof HubSpotError && error.kind === 'forbidden' && facts.hubId !== undefined)
      return undefined
    throw error
  })
  const hubId = facts.hubId ?? account?.hubId
  if (hubId === undefined) throw new HubSpotError('invalid', 'account info')
  if (!facts.scopes) {
    const access = { token, app: 'pasted', hubId }
    await listPage(hubspot, tickets, { after: undefined, limit: 1 }, { access, retryLimits, signal })
  }
  return {
    kind,
    hub_id: hubId,
    hub_domain: storable(facts.hubDomain),
    ui_domain: storable(account?.uiDomain),
    hub_user: storable(facts.user),
    scopes: facts.scopes ?? null,
    expires_in_ms: facts.expiresInMs ?? null,
  }
}

/**
 * PostgreSQL text cannot contain NUL; a name with one must not prevent an account from being
 * connected.
 */
const storable = (text: string | null | undefined) => text?.replaceAll('\0', '\ufffd') ?? null

function ignoreMisconfigured(error: unknown): undefined {
  if (error instanceof HubSpotError && error.kind === 'misconfigured') return undefined
  throw error
}
