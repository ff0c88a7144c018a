/**
 * Connects in a browser: a grant waits, sealed, until the person has seen the account and
 * confirmed.
 *
 * The browser has a secret in a cookie; the page's address alone gives no access.
 */
import { createHash, randomBytes } from 'node:crypto'
import { type TenantScope, withTenant } from '../../db/scope.ts'
import type { TenantId } from '../../db/tenant-id.ts'
import { AppError } from '../../lib/errors.ts'
import { newId } from '../../lib/ids.ts'
import { Secret } from '../../lib/secret.ts'
import { resolveAlias } from '../alias-store.ts'
import { type ConnectDependencies, checkConnectAccount, storeConnection } from '../connect.ts'
import type { ConnectedAccount } from '../integration.ts'
import { findIntegration, findIntegrationByHubId, lockTenant } from '../store.ts'
import {
  identifyGrantAccount,
  invalidState,
  type RedeemedGrant,
  redeemAuthorizationCode,
} from './authorize.ts'
import {
  deleteConfirmation,
  insertConfirmation,
  lockConfirmation,
  markConfirmed,
} from './confirmation-store.ts'
import { openWaitingGrant, releaseWaitingGrant, sealWaitingGrant } from './waiting-grant.ts'

export type ConfirmDependencies = ConnectDependencies

/** What a browser sends with each page view and each button press. */
export interface ConfirmationClaim {
  tenantId: TenantId
  confirmationId: string
  secret: Secret
}

/**
 * Exchanges the code, identifies the account, and saves the grant until a person decides. Nothing
 * is connected yet. A grant that cannot become a connection is refused here, before the person is
 * asked.
 *
 * @throws AppError invalid_state | oauth_code_rejected | missing_scopes | hub_changed |
 *   hubspot_unavailable | …
 */
export async function requestConfirmation(
  deps: ConfirmDependencies,
  answer: { state: string; code: Secret },
): Promise<ConfirmationClaim> {
  const granted = await redeemAuthorizationCode(deps, answer, undefined)
  const { tenantId } = granted
  let hubId = granted.grant.hubId ?? null
  try {
    const account = await identifyGrantAccount(deps, granted)
    hubId = account.hub_id
    const claim = {
      tenantId,
      confirmationId: newId(),
      secret: new Secret(randomBytes(32).toString('base64url')),
    }
    await withTenant(deps.db, tenantId, (scope) => saveWaitingGrant(deps, scope, claim, granted, account))
    return claim
  } catch (error) {
    if (isDecided(error)) await releaseWaitingGrant(deps, { hubId, refreshToken: granted.grant.refreshToken })
    throw error
  }
}

async function saveWaitingGrant(
  deps: ConfirmDependencies,
  scope: TenantScope,
  { confirmationId, secret }: ConfirmationClaim,
  { integrationId, grant }: RedeemedGrant,
  account: ConnectedAccount,
): Promise<void> {
  await lockTenant(scope)
  const { begun } = await checkConnectAccount(scope, integrationId, account.hub_id)
  const row = { confirmation_id: confirmationId, integration_id: integrationId }
  const sealed = begun && (await sealWaitingGrant(scope, deps.ring, row, grant))
  // Deleted while the person was on HubSpot's page.
  if (!sealed) throw invalidState()
  await insertConfirmation(scope, hashOf(secret), { ...account, ...row, ...sealed })
}

export interface ConfirmationQuestion {
  account: Pick<ConnectedAccount, 'hub_id' | 'hub_domain' | 'hub_user' | 'scopes'>
  /**
   * The tenant has already connected this account; that connection continues with the new grant.
   */
  renews: boolean
  /** This browser has already confirmed: there is nothing left to ask. */
  confirmed: boolean
}

/** Returns what the person is asked. Throws AppError invalid_state. */
export async function readConfirmationQuestion(
  deps: ConfirmDependencies,
  claim: ConfirmationClaim,
): Promise<ConfirmationQuestion> {
  return await withTenant(deps.db, claim.tenantId, async (scope) => {
    const waiting = await lockConfirmation(scope, claim.confirmationId, hashOf(claim.secret))
    if (!waiting) throw invalidState()
    const holder = await findIntegrationByHubId(scope, waiting.hub_id)
    return { account: waiting, renews: holder !== undefined, confirmed: waiting.access_token === null }
  })
}

/**
 * Returns the tenant whose confirmation this browser may decide; undefined if there is none.
 * Changes nothing.
 */
export async function tenantOfConfirmation(
  { db }: Pick<ConfirmDependencies, 'db'>,
  { tenantId, confirmationId, secret }: ConfirmationClaim,
): Promise<TenantId | undefined> {
  const waiting = await withTenant(db, tenantId, (scope) =>
    lockConfirmation(scope, confirmationId, hashOf(secret)),
  )
  return waiting && tenantId
}

/**
 * The person confirmed: connects, idempotently. A second press by the same browser changes nothing
 * and returns the same account.
 *
 * @returns the integration that is now active; undefined for a second press
 * @throws AppError invalid_state | hub_changed
 */
export async function confirmConnection(
  deps: ConfirmDependencies,
  claim: ConfirmationClaim,
): Promise<{ hubId: number; integrationId: string | undefined }> {
  const { confirmationId } = claim
  try {
    return await withTenant(deps.db, claim.tenantId, async (scope) => {
      await lockTenant(scope)
      const waiting = await lockConfirmation(scope, confirmationId, hashOf(claim.secret))
      if (!waiting) throw invalidState()
      const { hub_id: hubId } = waiting
      // Another connect may have replaced this id with an older integration meanwhile.
      const integrationId = await resolveAlias(scope, waiting.integration_id)
      const accessToken = await openWaitingGrant(scope, deps.ring, waiting, 'access_token')
      if (!accessToken) return { hubId, integrationId: undefined }
      // Deleted while the person was reading.
      if (!(await findIntegration(scope, integrationId))) throw invalidState()
      const tokens = {
        accessToken,
        refreshToken: await openWaitingGrant(scope, deps.ring, waiting, 'refresh_token'),
      }
      await markConfirmed(scope, confirmationId)
      const account: ConnectedAccount = { ...waiting, kind: 'oauth' }
      const { integration } = await storeConnection(deps, scope, { integrationId }, account, tokens)
      return { hubId, integrationId: integration.integration_id }
    })
  } catch (error) {
    // It will never be connected.
    if (isDecided(error)) await cancelConfirmation(deps, claim).catch(() => {})
    throw error
  }
}

/**
 * The person declined: deletes the grant here, then revokes it at HubSpot.
 *
 * @returns cancelled: false when it is already connected
 * @throws AppError invalid_state
 */
export async function cancelConfirmation(
  deps: ConfirmDependencies,
  claim: ConfirmationClaim,
): Promise<{ cancelled: boolean; hubId: number }> {
  const { hubId, refreshToken, cancelled } = await withTenant(deps.db, claim.tenantId, async (scope) => {
    const waiting = await lockConfirmation(scope, claim.confirmationId, hashOf(claim.secret))
    if (!waiting) throw invalidState()
    const { hub_id: hubId } = waiting
    if (waiting.access_token === null) return { hubId, refreshToken: undefined, cancelled: false }
    const refreshToken = await openWaitingGrant(scope, deps.ring, waiting, 'refresh_token')
    await deleteConfirmation(scope, claim.confirmationId)
    return { hubId, refreshToken, cancelled: true }
  })
  await releaseWaitingGrant(deps, { hubId, refreshToken })
  return { cancelled, hubId }
}

/**
 * Whether Spoke refused permanently. After an outage HubSpot could not be reached to revoke the
 * grant anyway.
 */
const isDecided = (error: unknown): boolean =>
  error instanceof AppError &&
  ['missing_scopes', 'hub_changed', 'invalid_state', 'tenant_erasing'].includes(error.code)

const hashOf = (secret: Secret) => createHash('sha256').update(secret.reveal()).digest('base64url')
