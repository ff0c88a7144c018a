/** OAuth up to HubSpot's grant: begins an authorization and accepts the returned state and code. */
import { createHash, randomBytes } from 'node:crypto'
import { mayFinishAuthorization, type Principal, principalName } from '../../api/principal.ts'
import type { Database } from '../../db/database.ts'
import { withTenant } from '../../db/scope.ts'
import type { TenantId } from '../../db/tenant-id.ts'
import { asAppError } from '../../hubspot/as-app-error.ts'
import type { HubSpot, RetryLimits } from '../../hubspot/client/client.ts'
import { HubSpotError } from '../../hubspot/hubspot-error.ts'
import { authorizeUrl, exchangeOAuthCode, type Grant, type OAuthApp } from '../../hubspot/oauth.ts'
import type { ObjectPaths } from '../../hubspot/objects.ts'
import { AppError, integrationNotFound } from '../../lib/errors.ts'
import { newId, parseUuid } from '../../lib/ids.ts'
import type { KeyRing } from '../../lib/seal.ts'
import { Secret } from '../../lib/secret.ts'
import { ensureTenant, tenantSealerOf, tenantSince } from '../../tenants/store.ts'
import { identifyGrantedToken } from '../identify.ts'
import type { ConnectedAccount, IntegrationRef } from '../integration.ts'
import { findIntegration, lockTenant } from '../store.ts'
import {
  deleteOldestAuthorizations,
  deleteStalePendingIntegrations,
  insertAuthorization,
  insertPendingIntegration,
  isAuthorizationPending,
  takeAuthorization,
  takeOnlyAuthorization,
} from './authorization-store.ts'

export interface AuthorizeDependencies {
  db: Database
  ring: KeyRing
  hubspot: HubSpot
  app: OAuthApp | undefined
  authorizeBase: string
  tickets: ObjectPaths
  /** Time limit for all calls of one request to HubSpot together, ms. */
  retryLimits: RetryLimits
}

/**
 * Begins an authorization for a new integration, or for an existing one (reconnect).
 *
 * @throws AppError oauth_not_configured; integration_not_found when `reconnect` is not one of this
 *   tenant's
 */
export async function beginAuthorization(
  deps: AuthorizeDependencies,
  tenantId: TenantId,
  reconnect: string | undefined,
  principal: Principal,
): Promise<{ url: string; integrationId: string }> {
  const app = requireOAuthApp(deps)
  const integrationId = reconnect ?? newId()
  const state = `${tenantId}:${integrationId}:${randomBytes(32).toString('base64url')}`
  const codeVerifier = new Secret(randomBytes(32).toString('base64url'))
  await withTenant(deps.db, tenantId, async (scope) => {
    await lockTenant(scope)
    if (reconnect === undefined) await ensureTenant(scope, deps.ring)
    else if (!(await findIntegration(scope, reconnect))) throw integrationNotFound()
    await deleteStalePendingIntegrations(scope)
    await deleteOldestAuthorizations(scope)
    // deleteOldestAuthorizations may have deleted the pending integration that is being reconnected.
    if (reconnect === undefined || !(await findIntegration(scope, reconnect)))
      await insertPendingIntegration(scope, integrationId)
    const sealer = await tenantSealerOf(scope, deps.ring)
    if (!sealer) throw integrationNotFound()
    await insertAuthorization(scope, {
      integrationId,
      stateHash: hash(state),
      codeVerifier: await sealer.seal(codeVerifier, { integration: integrationId, field: 'code_verifier' }),
      requestedBy: principalName(principal),
    })
  })
  return { url: authorizeUrl(deps.authorizeBase, app, state, codeVerifier), integrationId }
}

export interface RedeemedGrant extends IntegrationRef {
  grant: Grant
  /** When the tenant was created. */
  since: string | undefined
}

/**
 * Exchanges the code for a grant. The state is consumed before HubSpot is called, and an invalid
 * state causes no call.
 *
 * @param finisher the caller, who must be allowed to finish what was begun; a state without its
 *   nonce may then be accepted. Absent: an unauthenticated browser
 * @throws AppError invalid_state | oauth_code_rejected | oauth_not_configured | hubspot_unavailable
 *   | …
 */
export async function redeemAuthorizationCode(
  deps: AuthorizeDependencies,
  answer: { state: string; code: Secret },
  finisher: Principal | undefined,
): Promise<RedeemedGrant> {
  const app = requireOAuthApp(deps)
  const { codeVerifier, ...ref } = await takeState(deps, answer.state, finisher)
  try {
    // From here on the caller's abort has no effect: state and code are used up.
    const { signal } = new AbortController()
    const { hubspot, retryLimits } = deps
    return {
      ...ref,
      grant: await exchangeOAuthCode(hubspot, app, answer.code, codeVerifier, retryLimits.totalMs, signal),
    }
  } catch (error) {
    if (error instanceof HubSpotError && error.kind === 'grant_refused') {
      throw new AppError('oauth_code_rejected', 'HubSpot does not accept this authorization code', {
        cause: error,
      })
    }
    throw asAppError(error, true)
  }
}

/**
 * Returns the account that a grant opens. Throws AppError missing_scopes | hubspot_unavailable | …
 */
export async function identifyGrantAccount(
  deps: AuthorizeDependencies,
  { grant }: RedeemedGrant,
): Promise<ConnectedAccount> {
  const { signal } = new AbortController()
  return await identifyGrantedToken({ ...deps, signal }, grant.accessToken, grant).catch((error: unknown) => {
    throw asAppError(error, true)
  })
}

export const invalidState = () =>
  new AppError('invalid_state', 'The state is unknown, expired or already used')

function requireOAuthApp({ app }: AuthorizeDependencies): OAuthApp {
  if (app) return app
  throw new AppError('oauth_not_configured', 'HUBSPOT_CLIENT_ID and HUBSPOT_CLIENT_SECRET are not set')
}

/**
 * Parses a state into its tenant, integration and the hash of the whole; a state without a nonce
 * has no hash.
 */
function readState(state: string) {
  const [tenant = '', integration = '', nonce, ...rest] = state.split(':')
  const tenantId = parseUuid(tenant) as TenantId | undefined
  const integrationId = parseUuid(integration)
  if (!tenantId || !integrationId || rest.length > 0) return undefined
  const stateHash = nonce === undefined ? undefined : hash(`${tenantId}:${integrationId}:${nonce}`)
  return { tenantId, integrationId, stateHash }
}

/**
 * Returns the tenant whose authorization this complete state would finish; undefined if none is
 * pending. Consumes nothing.
 */
export async function tenantOfAuthorization(
  { db }: Pick<AuthorizeDependencies, 'db'>,
  state: string | undefined,
): Promise<TenantId | undefined> {
  const read = readState(state ?? '')
  if (!read?.stateHash) return undefined
  const { tenantId, integrationId, stateHash } = read
  const waits = await withTenant(db, tenantId, (scope) =>
    isAuthorizationPending(scope, integrationId, stateHash),
  )
  return waits ? tenantId : undefined
}

async function takeState(deps: AuthorizeDependencies, state: string, finisher: Principal | undefined) {
  const read = readState(state)
  if (!read || (read.stateHash === undefined && !finisher)) throw invalidState()
  const { tenantId, integrationId, stateHash } = read
  return await withTenant(deps.db, tenantId, async (scope) => {
    const taken =
      stateHash === undefined
        ? await takeOnlyAuthorization(scope, integrationId)
        : await takeAuthorization(scope, integrationId, stateHash)
    const sealer = taken && (await tenantSealerOf(scope, deps.ring))
    if (!taken || !sealer) throw invalidState()
    // This rolls the deletion back, so that the caller who began can still finish.
    if (finisher && !mayFinishAuthorization(finisher, taken.requested_by)) throw invalidState()
    const codeVerifier = await sealer.open(taken.code_verifier, {
      integration: integrationId,
      field: 'code_verifier',
    })
    return { tenantId, integrationId, codeVerifier, since: await tenantSince(scope) }
  })
}

const hash = (state: string) => createHash('sha256').update(state).digest('base64url')
