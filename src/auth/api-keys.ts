/** Makes, rotates and revokes tenants' keys. The key itself is returned only once, to its maker. */
import type { Scope } from '../api/principal.ts'
import type { TenantScope } from '../db/scope.ts'
import { AppError, tenantNotFound } from '../lib/errors.ts'
import type { KeyRing } from '../lib/seal.ts'
import { Secret } from '../lib/secret.ts'
import { tenantSealerOf } from '../tenants/store.ts'
import { newApiKey } from './api-key.ts'
import {
  type ApiKey,
  expireApiKeyWithin,
  insertApiKey,
  lockApiKey,
  markApiKeyRevoked,
} from './api-key-store.ts'

export interface CreatedApiKey {
  details: ApiKey
  key: Secret
}

const keyNotFound = () => new AppError('api_key_not_found', 'API key not found')

/** The field under which keys are hashed. */
const field = 'api_key'
/**
 * Hashed together with the scopes, so that someone who can write the row and has a read key cannot
 * add scopes to it.
 */
const keyWithScopes = (key: Secret, scopes: readonly Scope[]) =>
  new Secret([key.reveal(), ...scopes].join(' '))

/** @throws AppError tenant_not_found */
export async function createApiKey(
  scope: TenantScope,
  ring: KeyRing,
  wanted: { name: string; scopes: readonly Scope[]; lifeMs: number | null },
): Promise<CreatedApiKey> {
  const sealer = await tenantSealerOf(scope, ring)
  if (!sealer) throw tenantNotFound()
  const { keyId, key } = newApiKey()
  const details = await insertApiKey(scope, {
    ...wanted,
    keyId,
    keyHash: sealer.hash(keyWithScopes(key, wanted.scopes), field),
  })
  if (!details) throw tenantNotFound()
  return { details, key }
}

/**
 * Makes a second key with the same name, scopes and lifetime. Both are valid during the overlap;
 * then the first one ends.
 *
 * @throws AppError api_key_not_found | api_key_not_active
 */
export async function rotateApiKey(
  scope: TenantScope,
  ring: KeyRing,
  keyId: string,
  overlapMs: number,
): Promise<CreatedApiKey> {
  const old = await lockApiKey(scope, keyId)
  if (!old) throw keyNotFound()
  if (!old.live)
    throw new AppError('api_key_not_active', 'The API key is revoked or expired; create a new one')
  const { name, scopes, created_at, expires_at } = old
  const lifeMs = expires_at && expires_at.getTime() - created_at.getTime()
  const made = await createApiKey(scope, ring, { name, scopes, lifeMs })
  await expireApiKeyWithin(scope, keyId, overlapMs)
  return made
}

/** @throws AppError api_key_not_found */
export async function revokeApiKey(scope: TenantScope, keyId: string): Promise<ApiKey> {
  const details = await markApiKeyRevoked(scope, keyId)
  if (!details) throw keyNotFound()
  return details
}

/** The hash that is stored for a key with these scopes. */
export type ApiKeyHasher = (key: Secret, scopes: readonly Scope[]) => string

/** Opens the data key of this tenant, to hash its keys; undefined when the tenant is gone. */
export async function apiKeyHasherOf(scope: TenantScope, ring: KeyRing): Promise<ApiKeyHasher | undefined> {
  const sealer = await tenantSealerOf(scope, ring)
  return sealer && ((key, scopes) => sealer.hash(keyWithScopes(key, scopes), field))
}
