/** The tokens of a grant that waits for a person's yes: sealed for its row alone, and revoked when they are not to be used. */
import type { TenantScope } from '../../db/scope.ts'
import type { KeyRing } from '../../lib/seal.ts'
import type { Secret } from '../../lib/secret.ts'
import { sealerOf } from '../../tenants/store.ts'
import { type ReleaseParts, releaseGrant } from '../tokens/release.ts'
import type { Waiting } from './confirmation-store.ts'

type TokenField = 'access_token' | 'refresh_token'
type Row = Pick<Waiting, 'integrationId' | 'confirmationId'>

/** Bound to the row itself: of two that wait for one integration neither opens in the other's place. */
const sealedFor = ({ integrationId, confirmationId }: Row, field: TokenField) => ({
  integration: integrationId,
  field: `confirmation/${confirmationId}/${field}`,
})

/** @returns undefined when there is no such tenant */
export async function sealWaiting(
  scope: TenantScope,
  ring: KeyRing,
  row: Row,
  grant: { accessToken: Secret; refreshToken: Secret | undefined },
): Promise<Pick<Waiting, 'accessToken' | 'refreshToken'> | undefined> {
  const sealer = await sealerOf(scope, ring)
  return (
    sealer && {
      accessToken: await sealer.seal(grant.accessToken, sealedFor(row, 'access_token')),
      refreshToken: grant.refreshToken
        ? await sealer.seal(grant.refreshToken, sealedFor(row, 'refresh_token'))
        : null,
    }
  )
}

/** @returns undefined when the row holds no such token. Throws SealError. */
export async function openWaiting(
  scope: TenantScope,
  ring: KeyRing,
  waiting: Waiting,
  field: TokenField,
): Promise<Secret | undefined> {
  const sealed = field === 'access_token' ? waiting.accessToken : waiting.refreshToken
  if (sealed === null) return undefined
  return await (await sealerOf(scope, ring))?.open(sealed, sealedFor(waiting, field))
}

/** Revokes what never became an integration's. Whoever began it may be gone: HubSpot is told all the same. */
export async function releaseWaiting(
  parts: ReleaseParts,
  grant: { portalId: number | null; refreshToken: Secret | undefined },
): Promise<boolean> {
  return await releaseGrant(parts, grant, undefined, new AbortController().signal)
}
