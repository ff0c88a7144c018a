/**
 * Revokes the grants of a tenant that is being erased, in batches, then deletes them regardless.
 */
import type { TenantScope } from '../../db/scope.ts'
import type { TenantId } from '../../db/tenant-id.ts'
import { SealError } from '../../lib/seal.ts'
import type { Secret } from '../../lib/secret.ts'
import { whileErasing } from '../../tenants/erasure.ts'
import type { DisconnectParts } from '../disconnect.ts'
import { deleteConfirmation, listConfirmations } from '../oauth/confirmation-store.ts'
import { openWaiting } from '../oauth/waiting-grant.ts'
import { releaseGrant } from './release.ts'
import { deleteToken, listTokens, readToken } from './token-store.ts'

export type RevokeParts = Pick<DisconnectParts, 'db' | 'ring' | 'hubspot' | 'app' | 'log'>

interface Held {
  portalId: number | null
  refreshToken: Secret | undefined
  /** Absent: it waits for a person's confirmation and belongs to no integration. */
  integrationId: string | undefined
  forget(scope: TenantScope): Promise<void>
}

/**
 * Grants per round. Each takes at most 5 s, so an unresponsive HubSpot delays an erasure by that
 * much per round.
 */
const atOnce = 10

/**
 * Revokes at HubSpot first and deletes the grant afterwards. Nothing can use it any more, and a
 * crash in between revokes it twice, which HubSpot accepts. As at a disconnect, a grant is not
 * revoked if another tenant is connected to the same account.
 *
 * @param signal aborts when the process stops: the current round is left for the next attempt
 * @param more called before each round: whether there is time for it
 * @returns false when it was cut short
 */
export async function revokeAll(
  parts: RevokeParts,
  tenantId: TenantId,
  signal: AbortSignal,
  more: () => boolean,
): Promise<boolean> {
  for (;;) {
    if (!more()) return false
    const held = await whileErasing(parts.db, tenantId, async ({ rows }) => {
      const tokens = await tokensIn(parts, rows)
      return tokens.length > 0 ? tokens : await waitingIn(parts, rows)
    })
    if (!held || held.length === 0) return true
    await Promise.all(held.map((grant) => releaseGrant(parts, grant, grant.integrationId, signal)))
    if (signal.aborted) return false
    await whileErasing(parts.db, tenantId, async ({ rows }) => {
      for (const grant of held) await grant.forget(rows)
    })
  }
}

async function tokensIn(parts: RevokeParts, rows: TenantScope): Promise<Held[]> {
  const held: Held[] = []
  for (const { integrationId, portalId } of await listTokens(rows, atOnce))
    held.push({
      portalId,
      integrationId,
      refreshToken: await opened(parts, rows, async () => {
        return (await readToken(rows, parts.ring, integrationId))?.refreshToken
      }),
      forget: (scope) => deleteToken(scope, integrationId),
    })
  return held
}

async function waitingIn(parts: RevokeParts, rows: TenantScope): Promise<Held[]> {
  const held: Held[] = []
  for (const waiting of await listConfirmations(rows, atOnce))
    held.push({
      portalId: waiting.portalId,
      integrationId: undefined,
      refreshToken: await opened(parts, rows, () => openWaiting(rows, parts.ring, waiting, 'refresh_token')),
      forget: (scope) => deleteConfirmation(scope, waiting.confirmationId),
    })
  return held
}

/** A token that cannot be opened cannot be revoked; it is deleted anyway. */
async function opened(
  { log }: RevokeParts,
  { tenantId }: TenantScope,
  open: () => Promise<Secret | undefined>,
): Promise<Secret | undefined> {
  try {
    return await open()
  } catch (err) {
    if (!(err instanceof SealError)) throw err
    log.warn({ err, tenant_id: tenantId }, 'a token could not be decrypted, so it was not revoked at HubSpot')
    return undefined
  }
}
