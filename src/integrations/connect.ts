/** Connecting: by a pasted token, or by OAuth. One integration per tenant and portal; reconnecting keeps its id and data. */
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
import { identifyPasted } from './identify.ts'
import type { Account, Integration } from './integration.ts'
import { type AuthorizeParts, accountOf, redeem } from './oauth/authorize.ts'
import { releaseWaiting } from './oauth/waiting-grant.ts'
import { deleteIntegration, findByPortal, findIntegration, keepConnected, lockTenant } from './store.ts'
import type { ReleaseParts } from './tokens/release.ts'
import { replaceToken } from './tokens/token-store.ts'

export interface ConnectParts extends AuthorizeParts, ReleaseParts {
  /** Told inside the connecting transaction: the sync begins with it. */
  onConnected(scope: TenantScope, connected: Connected): Promise<void>
}

export interface Connected {
  integration: Integration
  /** True when an integration that was there before was renewed. */
  renewed: boolean
}

export type TokenPair = { accessToken: Secret; refreshToken: Secret | undefined }

/**
 * A pasted token of any kind. Nothing is stored unless it opens an account and can read its tickets.
 *
 * @throws AppError token_invalid (422) | missing_scopes | hubspot_unavailable | hubspot_limit
 */
export async function connectByToken(
  parts: ConnectParts,
  tenantId: TenantId,
  accessToken: Secret,
  signal: AbortSignal,
): Promise<Connected> {
  const since = await withTenant(parts.db, tenantId, tenantSince)
  const account = await identifyPasted({ ...parts, signal }, accessToken).catch((error: unknown) => {
    // The edge finds the data centre by the token itself, and has 530 for one that leads nowhere.
    if (error instanceof HubSpotError && error.status === 530) throw tokenInvalid(error, 422)
    throw asAppError(error, true)
  })
  const begun = { since, integrationId: undefined }
  return await withTenant(parts.db, tenantId, (scope) =>
    activate(parts, scope, begun, account, { accessToken, refreshToken: undefined }),
  )
}

/**
 * Ends an authorisation that a program has caught code and state of, and connects at once.
 *
 * @throws AppError invalid_state | oauth_code_rejected | missing_scopes | portal_changed | hubspot_unavailable | …
 */
export async function finishAuthorization(
  parts: ConnectParts,
  answer: { state: string; code: Secret },
  finisher: Principal,
): Promise<void> {
  const granted = await redeem(parts, answer, finisher)
  const account = await accountOf(parts, granted)
  await withTenant(parts.db, granted.tenantId, (scope) =>
    activate(parts, scope, granted, account, granted.grant),
  ).catch(async (error: unknown) => {
    // The erasure has told HubSpot of what it found, and this came after: nobody else would end it.
    const { refreshToken } = granted.grant
    if (isTenantErasing(error)) await releaseWaiting(parts, { portalId: account.portalId, refreshToken })
    throw error
  })
}

/**
 * What has to be known before a connection is stored: whether the account is connected already, and that a reconnect
 * did not come back with another one.
 *
 * @param wanted the integration that was begun
 * @throws AppError portal_changed
 */
export async function weigh(scope: TenantScope, wanted: string | undefined, portalId: number) {
  const holder = await findByPortal(scope, portalId)
  const begun =
    wanted === undefined ? undefined : await findIntegration(scope, await resolveAlias(scope, wanted))
  if (begun && begun.portalId !== null && begun.portalId !== portalId) {
    throw new AppError(
      'portal_changed',
      'This is another HubSpot account than the one this integration holds data of',
    )
  }
  return { holder, begun }
}

/** As it was before HubSpot was called; `since` undefined where nothing was waited for meanwhile. */
interface Begun {
  since?: string | undefined
  integrationId: string | undefined
}

/**
 * Stores the connection: account, tokens, route and what begins with it, in one transaction. Not when the tenant was erased while
 * HubSpot was called: a connect that began before does not bring it back.
 */
export async function activate(
  parts: ConnectParts,
  scope: TenantScope,
  { since, integrationId: wanted }: Begun,
  account: Account,
  tokens: TokenPair,
): Promise<Connected> {
  await lockTenant(scope)
  if (since !== undefined && (await tenantSince(scope)) !== since) throw tenantErasing()
  await ensureTenant(scope, parts.ring)
  const { holder, begun } = await weigh(scope, wanted, account.portalId)
  // The account is there under another id: that one is renewed, and the id that was given out stands for it.
  if (begun && holder && begun.integrationId !== holder.integrationId) {
    await deleteIntegration(scope, begun.integrationId)
    await insertAlias(scope, begun.integrationId, holder.integrationId)
  }
  const id = holder?.integrationId ?? begun?.integrationId ?? wanted ?? newId()
  const integration = await keepConnected(scope, id, account)
  await replaceToken(scope, parts.ring, id, {
    ...tokens,
    kind: account.kind,
    expiresInMs: account.expiresInMs,
  })
  const connected = { integration, renewed: holder !== undefined }
  await parts.onConnected(scope, connected)
  return connected
}
