/**
 * Revokes the grants of a tenant that is being erased, in batches, then deletes them regardless.
 */
import type { TenantScope } from '../../db/scope.ts'
import type { TenantId } from '../../db/tenant-id.ts'
import { SealError } from '../../lib/seal.ts'
import type { Secret } from '../../lib/secret.ts'
import { runErasureStep } from '../../tenants/erasure.ts'
import type { DisconnectDependencies } from '../disconnect.ts'
import { deleteConfirmation, listConfirmations } from '../oauth/confirmation-store.ts'
import { openWaitingGrant } from '../oauth/waiting-grant.ts'
import { releaseGrant } from './release.ts'
import { deleteToken, listTokens, readToken } from './token-store.ts'

export type RevokeDependencies = Pick<DisconnectDependencies, 'db' | 'ring' | 'hubspot' | 'app' | 'log'>

interface RevocableGrant {
  hubId: number | null
  refreshToken: Secret | undefined
  /** Absent: it waits for a person's confirmation and belongs to no integration. */
  integrationId: string | undefined
  delete(scope: TenantScope): Promise<void>
}

/**
 * Grants per round. Each takes at most 5 s, so an unresponsive HubSpot delays an erasure by that
 * much per round.
 */
const batchSize = 10

/**
 * Revokes at HubSpot first and deletes the grant afterwards. Nothing can use it any more, and a
 * crash in between revokes it twice, which HubSpot accepts. As at a disconnect, a grant is not
 * revoked if another tenant is connected to the same account.
 *
 * @param signal aborts when the process stops: the current round is left for the next attempt
 * @param more called before each round: whether there is time for it
 * @returns false when it was cut short
 */
export async function revokeAllGrants(
  deps: RevokeDependencies,
  tenantId: TenantId,
  signal: AbortSignal,
  more: () => boolean,
): Promise<boolean> {
  for (;;) {
    if (!more()) return false
    const grants = await runErasureStep(deps.db, tenantId, async ({ rows }) => {
      const tokens = await listTokenGrants(deps, rows)
      return tokens.length > 0 ? tokens : await listWaitingGrants(deps, rows)
    })
    if (!grants || grants.length === 0) return true
    await Promise.all(grants.map((grant) => releaseGrant(deps, grant, grant.integrationId, signal)))
    if (signal.aborted) return false
    await runErasureStep(deps.db, tenantId, async ({ rows }) => {
      for (const grant of grants) await grant.delete(rows)
    })
  }
}

async function listTokenGrants(deps: RevokeDependencies, rows: TenantScope): Promise<RevocableGrant[]> {
  const grants: RevocableGrant[] = []
  for (const { integration_id: integrationId, hub_id: hubId } of await listTokens(rows, batchSize))
    grants.push({
      hubId,
      integrationId,
      refreshToken: await openUnlessBroken(deps, rows, async () => {
        return (await readToken(rows, deps.ring, integrationId))?.refreshToken
      }),
      delete: (scope) => deleteToken(scope, integrationId),
    })
  return grants
}

async function listWaitingGrants(deps: RevokeDependencies, rows: TenantScope): Promise<RevocableGrant[]> {
  const grants: RevocableGrant[] = []
  for (const waiting of await listConfirmations(rows, batchSize))
    grants.push({
      hubId: waiting.hub_id,
      integrationId: undefined,
      refreshToken: await openUnlessBroken(deps, rows, () =>
        openWaitingGrant(rows, deps.ring, waiting, 'refresh_token'),
      ),
      delete: (scope) => deleteConfirmation(scope, waiting.confirmation_id),
    })
  return grants
}

/** A token that cannot be opened cannot be revoked; it is deleted anyway. */
async function openUnlessBroken(
  { log }: RevokeDependencies,
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
