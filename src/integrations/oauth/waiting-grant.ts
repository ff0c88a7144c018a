/** The tokens of a waiting grant: sealed for its row alone, and revoked if not confirmed. */
import type { TenantScope } from '../../db/scope.ts'
import type { KeyRing } from '../../lib/seal.ts'
import type { Secret } from '../../lib/secret.ts'
import { tenantSealerOf } from '../../tenants/store.ts'
import { type ReleaseDependencies, releaseGrant } from '../tokens/release.ts'
import type { WaitingGrant } from './confirmation-store.ts'

type TokenField = 'access_token' | 'refresh_token'
type Row = Pick<WaitingGrant, 'integration_id' | 'confirmation_id'>

/**
 * Bound to the row: if two grants wait for one integration, neither opens in place of the other.
 */
const sealedFor = ({ integration_id, confirmation_id }: Row, field: TokenField) => ({
  integration: integration_id,
  field: `confirmation/${confirmation_id}/${field}`,
})

/** @returns undefined when the tenant does not exist */
export async function sealWaitingGrant(
  scope: TenantScope,
  ring: KeyRing,
  row: Row,
  grant: { accessToken: Secret; refreshToken: Secret | undefined },
): Promise<Pick<WaitingGrant, 'access_token' | 'refresh_token'> | undefined> {
  const sealer = await tenantSealerOf(scope, ring)
  return (
    sealer && {
      access_token: await sealer.seal(grant.accessToken, sealedFor(row, 'access_token')),
      refresh_token: grant.refreshToken
        ? await sealer.seal(grant.refreshToken, sealedFor(row, 'refresh_token'))
        : null,
    }
  )
}

/** @returns undefined when the row has no such token. Throws SealError. */
export async function openWaitingGrant(
  scope: TenantScope,
  ring: KeyRing,
  waiting: WaitingGrant,
  field: TokenField,
): Promise<Secret | undefined> {
  const sealed = waiting[field]
  if (sealed === null) return undefined
  return await (await tenantSealerOf(scope, ring))?.open(sealed, sealedFor(waiting, field))
}

/**
 * Revokes a grant that never became an integration's. Ignores the caller's signal: HubSpot must be
 * notified even if the caller is gone.
 */
export async function releaseWaitingGrant(
  deps: ReleaseDependencies,
  grant: { hubId: number | null; refreshToken: Secret | undefined },
): Promise<boolean> {
  return await releaseGrant(deps, grant, undefined, new AbortController().signal)
}
