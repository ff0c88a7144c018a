/** Runs a request once for each Idempotency-Key, and repeats its response to a repeated request. */
import type { Database } from '../db/database.ts'
import type { Secret } from '../lib/secret.ts'
import type { IdempotencyKey } from './idempotency.ts'
import {
  claimIdempotencyKey,
  findStoredResponse,
  releaseIdempotencyKey,
  type StoredResponse,
  saveStoredResponse,
} from './idempotency-store.ts'

export type { StoredResponse } from './idempotency-store.ts'

import { type TenantScope, withTenant } from '../db/scope.ts'
import type { TenantId } from '../db/tenant-id.ts'

/**
 * For an effect that is one transaction: key, effect and response are committed together or not at
 * all. A concurrent request with the same key waits for the transaction to end.
 */
export async function runIdempotent<Body>(
  scope: TenantScope,
  key: IdempotencyKey | undefined,
  run: () => Promise<StoredResponse<Body>>,
): Promise<StoredResponse<Body>> {
  if (!key) return await run()
  const stored = await findStoredResponse<Body>(scope, key)
  if (stored) return stored
  const claim = await claimIdempotencyKey(scope, key)
  const answer = await run()
  await saveStoredResponse(scope, key, claim, answer)
  return answer
}

/**
 * The same for an effect that creates a secret. The stored response does not contain it.
 *
 * @returns secret only for the request that created it; undefined when the response was stored
 *   earlier
 */
export async function runIdempotentWithSecret<Body>(
  scope: TenantScope,
  key: IdempotencyKey | undefined,
  run: () => Promise<{ answer: StoredResponse<Body>; secret: Secret }>,
): Promise<{ body: Body; secret: Secret | undefined }> {
  let secret: Secret | undefined
  const { body } = await runIdempotent(scope, key, async () => {
    const made = await run()
    secret = made.secret
    return made.answer
  })
  return { body, secret }
}

/**
 * For an effect that calls HubSpot, during which no transaction is open. The key is claimed first,
 * and `save` is called in the transaction of the effect. A refusal has no effect, so it releases
 * the key.
 */
export async function runIdempotentAcrossTransactions<Body>(
  db: Database,
  tenantId: TenantId | undefined,
  key: IdempotencyKey | undefined,
  run: (
    save: (scope: TenantScope, answer: StoredResponse<Body>) => Promise<void>,
  ) => Promise<StoredResponse<Body>>,
): Promise<StoredResponse<Body>> {
  if (!key || !tenantId) return await run(async () => {})
  const begun = await withTenant(db, tenantId, async (scope) => {
    const stored = await findStoredResponse<Body>(scope, key)
    return stored ? { stored } : { claim: await claimIdempotencyKey(scope, key) }
  })
  if (begun.stored) return begun.stored
  const { claim } = begun
  try {
    return await run((scope, answer) => saveStoredResponse(scope, key, claim, answer))
  } catch (error) {
    // A key that cannot be released becomes free when its lease ends.
    await withTenant(db, tenantId, (scope) => releaseIdempotencyKey(scope, key, claim)).catch(() => {})
    throw error
  }
}
