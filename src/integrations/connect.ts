/** Connecting: by a pasted token, or by OAuth. One integration per tenant and portal; reconnecting keeps its id and data. */
import { createHash, randomBytes } from 'node:crypto'
import { asAppError } from '../hubspot/as-app-error.ts'
import type { HubSpot, Patience } from '../hubspot/client.ts'
import { HubSpotError } from '../hubspot/errors.ts'
import { type App, authorizeUrl, exchangeCode } from '../hubspot/oauth.ts'
import type { ObjectPaths } from '../hubspot/objects.ts'
import type { Database } from '../lib/db.ts'
import { AppError, integrationNotFound } from '../lib/errors.ts'
import { newId, parseUuid } from '../lib/ids.ts'
import type { KeyRing } from '../lib/seal.ts'
import { Secret } from '../lib/secret.ts'
import { type TenantScope, withTenant } from '../tenants/scope.ts'
import { ensureTenant, sealerOf } from '../tenants/store.ts'
import type { TenantId } from '../tenants/tenant.ts'
import { identifyGranted, identifyPasted } from './identify.ts'
import type { Account, Integration } from './integration.ts'
import {
  authorizationWaits,
  deleteIntegration,
  deleteStalePending,
  findByPortal,
  findIntegration,
  insertAuthorization,
  insertPending,
  keepConnected,
  lockTenant,
  takeAuthorization,
  takeOnlyAuthorization,
} from './store.ts'
import { replaceToken } from './token-store.ts'

export interface ConnectParts {
  db: Database
  ring: KeyRing
  hubspot: HubSpot
  app: App | undefined
  authorizeBase: string
  tickets: ObjectPaths
  /** Total for all calls of one question to HubSpot, ms. */
  patience: Patience
  /** Told inside the connecting transaction: the sync begins with it. */
  onConnected(scope: TenantScope, connected: Connected): Promise<void>
}

export interface Connected {
  integration: Integration
  /** True when an integration that was there before was renewed. */
  renewed: boolean
}

type TokenPair = { accessToken: Secret; refreshToken: Secret | undefined }

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
  const account = await identifyPasted({ ...parts, signal }, accessToken).catch((error: unknown) => {
    throw asAppError(error, true)
  })
  return await activate(parts, tenantId, undefined, account, { accessToken, refreshToken: undefined })
}

/**
 * Begins an authorisation: for a new integration, or for one that is there (reconnect).
 *
 * @throws AppError oauth_not_configured; integration_not_found when `reconnect` names none of this tenant
 */
export async function beginAuthorization(
  parts: ConnectParts,
  tenantId: TenantId,
  reconnect: string | undefined,
): Promise<{ url: string; integrationId: string }> {
  const { app } = parts
  if (!app) {
    throw new AppError('oauth_not_configured', 'HUBSPOT_CLIENT_ID and HUBSPOT_CLIENT_SECRET are not set')
  }
  const integrationId = reconnect ?? newId()
  const state = `${tenantId}:${integrationId}:${randomBytes(32).toString('base64url')}`
  const codeVerifier = new Secret(randomBytes(32).toString('base64url'))
  await withTenant(parts.db, tenantId, async (scope) => {
    if (reconnect !== undefined) {
      if (!(await findIntegration(scope, reconnect))) throw integrationNotFound()
    } else {
      await ensureTenant(scope, parts.ring)
      await deleteStalePending(scope)
      await insertPending(scope, integrationId)
    }
    const sealer = await sealerOf(scope, parts.ring)
    if (!sealer) throw integrationNotFound()
    await insertAuthorization(scope, {
      integrationId,
      stateHash: hash(state),
      codeVerifier: await sealer.seal(codeVerifier, { integration: integrationId, field: 'code_verifier' }),
    })
  })
  return { url: authorizeUrl(parts.authorizeBase, app, state, codeVerifier), integrationId }
}

/**
 * Ends an authorisation. The state is used up before HubSpot is called, and a state that does not hold calls
 * nobody.
 *
 * @param bareState whether `tenant:integration` without the nonce may count: on a POST that may act for the tenant
 * @throws AppError invalid_state | oauth_code_rejected | missing_scopes | portal_changed | hubspot_unavailable | …
 */
export async function finishAuthorization(
  parts: ConnectParts,
  answer: { state: string; code: Secret },
  bareState: boolean,
): Promise<Connected & { tenantId: TenantId }> {
  const { app, hubspot, patience } = parts
  if (!app)
    throw new AppError('oauth_not_configured', 'HUBSPOT_CLIENT_ID and HUBSPOT_CLIENT_SECRET are not set')
  const { tenantId, integrationId, codeVerifier } = await takeState(parts, answer.state, bareState)
  // From here on a caller who goes away changes nothing: state and code are spent.
  const { signal } = new AbortController()
  try {
    const grant = await exchangeCode(hubspot, app, answer.code, codeVerifier, patience.totalMs, signal)
    const account = await identifyGranted({ ...parts, signal }, grant.accessToken, grant)
    const connected = await activate(parts, tenantId, integrationId, account, grant)
    return { ...connected, tenantId }
  } catch (error) {
    if (error instanceof HubSpotError && error.kind === 'grant_refused') {
      throw new AppError('oauth_code_rejected', 'HubSpot does not take this authorisation code', {
        cause: error,
      })
    }
    throw asAppError(error, true)
  }
}

export const invalidState = () =>
  new AppError('invalid_state', 'The state is not one that is waiting for an answer')

/** A state's tenant, integration, and the hash of all of it; the bare form has none. */
function readState(state: string) {
  const [tenant = '', integration = '', nonce, ...rest] = state.split(':')
  const tenantId = parseUuid(tenant) as TenantId | undefined
  const integrationId = parseUuid(integration)
  if (!tenantId || !integrationId || rest.length > 0) return undefined
  const stateHash = nonce === undefined ? undefined : hash(`${tenantId}:${integrationId}:${nonce}`)
  return { tenantId, integrationId, stateHash }
}

/** Whose authorisation a whole state would end; undefined when none waits for it. Nothing is used up. */
export async function tenantThatWaits(
  { db }: Pick<ConnectParts, 'db'>,
  state: string | undefined,
): Promise<TenantId | undefined> {
  const read = readState(state ?? '')
  if (!read?.stateHash) return undefined
  const { tenantId, integrationId, stateHash } = read
  const waits = await withTenant(db, tenantId, (scope) => authorizationWaits(scope, integrationId, stateHash))
  return waits ? tenantId : undefined
}

async function takeState(parts: ConnectParts, state: string, bareState: boolean) {
  const read = readState(state)
  if (!read || (read.stateHash === undefined && !bareState)) throw invalidState()
  const { tenantId, integrationId, stateHash } = read
  return await withTenant(parts.db, tenantId, async (scope) => {
    const sealed =
      stateHash === undefined
        ? await takeOnlyAuthorization(scope, integrationId)
        : await takeAuthorization(scope, integrationId, stateHash)
    const sealer = sealed && (await sealerOf(scope, parts.ring))
    if (!sealed || !sealer) throw invalidState()
    const codeVerifier = await sealer.open(sealed, { integration: integrationId, field: 'code_verifier' })
    return { tenantId, integrationId, codeVerifier }
  })
}

/** Stores the connection: account, tokens, route and what begins with it, in one transaction. */
async function activate(
  parts: ConnectParts,
  tenantId: TenantId,
  wanted: string | undefined,
  account: Account,
  tokens: TokenPair,
): Promise<Connected> {
  return await withTenant(parts.db, tenantId, async (scope) => {
    await lockTenant(scope)
    await ensureTenant(scope, parts.ring)
    const holder = await findByPortal(scope, account.portalId)
    const begun = wanted === undefined ? undefined : await findIntegration(scope, wanted)
    if (begun && begun.portalId !== null && begun.portalId !== account.portalId) {
      throw new AppError(
        'portal_changed',
        'This is another HubSpot account than the one this integration holds data of',
      )
    }
    // The portal is there under another id: that one is renewed, and what was begun is not needed.
    if (begun && holder && begun.integrationId !== holder.integrationId) {
      await deleteIntegration(scope, begun.integrationId)
    }
    const id = holder?.integrationId ?? wanted ?? newId()
    const integration = await keepConnected(scope, id, account)
    await replaceToken(scope, parts.ring, id, {
      ...tokens,
      kind: account.kind,
      expiresInMs: account.expiresInMs,
    })
    const connected = { integration, renewed: holder !== undefined }
    await parts.onConnected(scope, connected)
    return connected
  })
}

const hash = (state: string) => createHash('sha256').update(state).digest('base64url')
