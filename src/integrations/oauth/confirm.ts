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
import { activate, type ConnectParts, weigh } from '../connect.ts'
import type { Account } from '../integration.ts'
import { findByPortal, findIntegration, lockTenant } from '../store.ts'
import { accountOf, type Granted, invalidState, redeem } from './authorize.ts'
import {
  deleteConfirmation,
  insertConfirmation,
  lockConfirmation,
  markConfirmed,
} from './confirmation-store.ts'
import { openWaiting, releaseWaiting, sealWaiting } from './waiting-grant.ts'

export type ConfirmParts = ConnectParts

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
 * @throws AppError invalid_state | oauth_code_rejected | missing_scopes | portal_changed |
 *   hubspot_unavailable | …
 */
export async function askPerson(
  parts: ConfirmParts,
  answer: { state: string; code: Secret },
): Promise<ConfirmationClaim> {
  const granted = await redeem(parts, answer, undefined)
  const { tenantId } = granted
  let portalId = granted.grant.portalId ?? null
  try {
    const account = await accountOf(parts, granted)
    portalId = account.portalId
    const claim = {
      tenantId,
      confirmationId: newId(),
      secret: new Secret(randomBytes(32).toString('base64url')),
    }
    await withTenant(parts.db, tenantId, (scope) => keepWaiting(parts, scope, claim, granted, account))
    return claim
  } catch (error) {
    if (isDecided(error)) await releaseWaiting(parts, { portalId, refreshToken: granted.grant.refreshToken })
    throw error
  }
}

async function keepWaiting(
  parts: ConfirmParts,
  scope: TenantScope,
  { confirmationId, secret }: ConfirmationClaim,
  { integrationId, grant }: Granted,
  account: Account,
): Promise<void> {
  await lockTenant(scope)
  const { begun } = await weigh(scope, integrationId, account.portalId)
  const row = { confirmationId, integrationId }
  const sealed = begun && (await sealWaiting(scope, parts.ring, row, grant))
  // Deleted while the person was on HubSpot's page.
  if (!sealed) throw invalidState()
  await insertConfirmation(scope, hashOf(secret), { ...account, ...row, ...sealed })
}

export interface Question {
  account: Pick<Account, 'portalId' | 'hubDomain' | 'user' | 'scopes'>
  /**
   * The tenant has already connected this account; that connection continues with the new grant.
   */
  renews: boolean
  /** This browser has already confirmed: there is nothing left to ask. */
  confirmed: boolean
}

/** Returns what the person is asked. Throws AppError invalid_state. */
export async function questionOf(parts: ConfirmParts, claim: ConfirmationClaim): Promise<Question> {
  return await withTenant(parts.db, claim.tenantId, async (scope) => {
    const waiting = await lockConfirmation(scope, claim.confirmationId, hashOf(claim.secret))
    if (!waiting) throw invalidState()
    const holder = await findByPortal(scope, waiting.portalId)
    return { account: waiting, renews: holder !== undefined, confirmed: waiting.accessToken === null }
  })
}

/**
 * Returns the tenant whose confirmation this browser may decide; undefined if there is none.
 * Changes nothing.
 */
export async function tenantThatAsks(
  { db }: Pick<ConfirmParts, 'db'>,
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
 * @throws AppError invalid_state | portal_changed
 */
export async function confirm(
  parts: ConfirmParts,
  claim: ConfirmationClaim,
): Promise<{ portalId: number; integrationId: string | undefined }> {
  const { confirmationId } = claim
  try {
    return await withTenant(parts.db, claim.tenantId, async (scope) => {
      await lockTenant(scope)
      const waiting = await lockConfirmation(scope, confirmationId, hashOf(claim.secret))
      if (!waiting) throw invalidState()
      const { portalId } = waiting
      // Another connect may have replaced this id with an older integration meanwhile.
      const integrationId = await resolveAlias(scope, waiting.integrationId)
      const accessToken = await openWaiting(scope, parts.ring, waiting, 'access_token')
      if (!accessToken) return { portalId, integrationId: undefined }
      // Deleted while the person was reading.
      if (!(await findIntegration(scope, integrationId))) throw invalidState()
      const tokens = {
        accessToken,
        refreshToken: await openWaiting(scope, parts.ring, waiting, 'refresh_token'),
      }
      await markConfirmed(scope, confirmationId)
      const account: Account = { ...waiting, kind: 'oauth' }
      const { integration } = await activate(parts, scope, { integrationId }, account, tokens)
      return { portalId, integrationId: integration.integrationId }
    })
  } catch (error) {
    // It will never be connected.
    if (isDecided(error)) await cancel(parts, claim).catch(() => {})
    throw error
  }
}

/**
 * The person declined: deletes the grant here, then revokes it at HubSpot.
 *
 * @returns cancelled: false when it is already connected
 * @throws AppError invalid_state
 */
export async function cancel(
  parts: ConfirmParts,
  claim: ConfirmationClaim,
): Promise<{ cancelled: boolean; portalId: number }> {
  const { portalId, refreshToken, cancelled } = await withTenant(parts.db, claim.tenantId, async (scope) => {
    const waiting = await lockConfirmation(scope, claim.confirmationId, hashOf(claim.secret))
    if (!waiting) throw invalidState()
    const { portalId } = waiting
    if (waiting.accessToken === null) return { portalId, refreshToken: undefined, cancelled: false }
    const refreshToken = await openWaiting(scope, parts.ring, waiting, 'refresh_token')
    await deleteConfirmation(scope, claim.confirmationId)
    return { portalId, refreshToken, cancelled: true }
  })
  await releaseWaiting(parts, { portalId, refreshToken })
  return { cancelled, portalId }
}

/**
 * Whether Spoke refused permanently. After an outage HubSpot could not be reached to revoke the
 * grant anyway.
 */
const isDecided = (error: unknown): boolean =>
  error instanceof AppError &&
  ['missing_scopes', 'portal_changed', 'invalid_state', 'tenant_erasing'].includes(error.code)

const hashOf = (secret: Secret) => createHash('sha256').update(secret.reveal()).digest('base64url')
