/**
 * Connects by a pasted token or by OAuth: one integration per tenant and HubSpot account.
 *
 * Reconnecting keeps the integration's id and data.
 */
import type { Principal } from '../api/principal.ts'
import { type TenantScope, withTenant } from '../db/scope.ts'
import type { TenantId } from '../db/tenant-id.ts'
import { asAppError } from '../hubspot/as-app-error.ts'
import { HubSpotError } from '../hubspot/hubspot-error.ts'
import { AppError, isTenantErasing, tenantErasing, tokenInvalid } from '../lib/errors.ts'
import { newId } from '../lib/ids.ts'
import type { Secret } from '../lib/secret.ts'
import { ensureTenant, tenantSince } from '../tenants/store.ts'
import { insertAlias, resolveAlias } from './alias-store.ts'
import { identifyPastedToken } from './identify.ts'
import type { ConnectedAccount, Integration } from './integration.ts'
import {
  type AuthorizeDependencies,
  identifyGrantAccount,
  redeemAuthorizationCode,
} from './oauth/authorize.ts'
import { releaseWaitingGrant } from './oauth/waiting-grant.ts'
import {
  deleteIntegration,
  findIntegration,
  findIntegrationByHubId,
  lockTenant,
  saveConnectedAccount,
} from './store.ts'
import type { ReleaseDependencies } from './tokens/release.ts'
import { replaceToken } from './tokens/token-store.ts'

export interface ConnectDependencies extends AuthorizeDependencies, ReleaseDependencies {
  /** Called inside the connecting transaction, which also starts the sync. */
  onConnected(scope: TenantScope, connected: Connected): Promise<void>
}

export interface Connected {
  integration: Integration
  /** True when an existing integration was renewed. */
  renewed: boolean
}

export type TokenPair = { accessToken: Secret; refreshToken: Secret | undefined }

/**
 * Connects by a pasted token of any kind. Nothing is stored unless the token opens an account and
 * can read its tickets.
 *
 * @throws AppError token_invalid (422) | missing_scopes | hubspot_unavailable | hubspot_limit
 */
export async function connectByToken(
  deps: ConnectDependencies,
  tenantId: TenantId,
  accessToken: Secret,
  signal: AbortSignal,
): Promise<Connected> {
  const since = await withTenant(deps.db, tenantId, tenantSince)
  const account = await identifyPastedToken({ ...deps, signal }, accessToken).catch((error: unknown) => {
    // HubSpot's edge derives the data center from the token and returns 530 if the token leads to
    // none.
    if (error instanceof HubSpotError && error.status === 530) throw tokenInvalid(error, 422)
    throw asAppError(error, true)
  })
  const start = { since, integrationId: undefined }
  return await withTenant(deps.db, tenantId, (scope) =>
    storeConnection(deps, scope, start, account, { accessToken, refreshToken: undefined }),
  )
}

/**
 * Completes an authorization whose code and state a program received, and connects immediately.
 *
 * @throws AppError invalid_state | oauth_code_rejected | missing_scopes | hub_changed |
 *   hubspot_unavailable | …
 */
export async function connectByAuthorizationCode(
  deps: ConnectDependencies,
  answer: { state: string; code: Secret },
  finisher: Principal,
): Promise<void> {
  const granted = await redeemAuthorizationCode(deps, answer, finisher)
  const account = await identifyGrantAccount(deps, granted)
  await withTenant(deps.db, granted.tenantId, (scope) =>
    storeConnection(deps, scope, granted, account, granted.grant),
  ).catch(async (error: unknown) => {
    // The erasure revoked the grants that it found, but this one came later: nothing else would
    // revoke it.
    const { refreshToken } = granted.grant
    if (isTenantErasing(error)) await releaseWaitingGrant(deps, { hubId: account.hub_id, refreshToken })
    throw error
  })
}

/**
 * Checks before a connection is stored: whether the account is already connected, and that a
 * reconnect did not return another account.
 *
 * @param wanted the integration that was begun
 * @throws AppError hub_changed
 */
export async function checkConnectAccount(scope: TenantScope, wanted: string | undefined, hubId: number) {
  const holder = await findIntegrationByHubId(scope, hubId)
  const begun =
    wanted === undefined ? undefined : await findIntegration(scope, await resolveAlias(scope, wanted))
  if (begun && begun.hub_id !== null && begun.hub_id !== hubId) {
    throw new AppError(
      'hub_changed',
      'This HubSpot account is not the one that this integration was connected to',
    )
  }
  return { holder, begun }
}

/** The state before HubSpot was called; `since` is undefined if there was no wait in between. */
interface ConnectStart {
  since?: string | undefined
  integrationId: string | undefined
}

/**
 * Stores the connection (account, tokens, route) and what starts with it, in one transaction.
 * Refuses if the tenant was erased while HubSpot was called: a connect that began earlier must not
 * recreate it.
 */
export async function storeConnection(
  deps: ConnectDependencies,
  scope: TenantScope,
  { since, integrationId: wanted }: ConnectStart,
  account: ConnectedAccount,
  tokens: TokenPair,
): Promise<Connected> {
  await lockTenant(scope)
  if (since !== undefined && (await tenantSince(scope)) !== since) throw tenantErasing()
  await ensureTenant(scope, deps.ring)
  const { holder, begun } = await checkConnectAccount(scope, wanted, account.hub_id)
  // The account is connected under another id: renew that one, and make the new id an alias of it.
  if (begun && holder && begun.integration_id !== holder.integration_id) {
    await deleteIntegration(scope, begun.integration_id)
    await insertAlias(scope, begun.integration_id, holder.integration_id)
  }
  const id = holder?.integration_id ?? begun?.integration_id ?? wanted ?? newId()
  const integration = await saveConnectedAccount(scope, id, account)
  await replaceToken(scope, deps.ring, id, {
    ...tokens,
    kind: account.kind,
    expiresInMs: account.expires_in_ms,
  })
  const connected = { integration, renewed: holder !== undefined }
  await deps.onConnected(scope, connected)
  return connected
}
