/** Runs a request once for each Idempotency-Key, and repeats its response to a repeated request. */
import type { Database } from '../db/database.ts'
import type { Secret } from '../lib/secret.ts'
import type { Idempotency } from './idempotency.ts'
import { claimKey, findAnswer, type KeptAnswer, keepAnswer, releaseKey } from './idempotency-store.ts'

export type { KeptAnswer } from './idempotency-store.ts'

import { type TenantScope, withTenant } from '../db/scope.ts'
import type { TenantId } from '../db/tenant-id.ts'

/**
 * For an effect that is one transaction: key, effect and response are committed together or not at
 * all. A concurrent request with the same key waits for the transaction to end.
 */
export async function once<Body>(
  scope: TenantScope,
  asked: Idempotency | undefined,
  act: () => Promise<KeptAnswer<Body>>,
): Promise<KeptAnswer<Body>> {
  if (!asked) return await act()
  const kept = await findAnswer<Body>(scope, asked)
  if (kept) return kept
  const claim = await claimKey(scope, asked)
  const answer = await act()
  await keepAnswer(scope, asked, claim, answer)
  return answer
}

/**
 * The same for an effect that creates a secret. The stored response does not contain it.
 *
 * @returns secret only for the request that created it; undefined when the response was stored
 *   earlier
 */
export async function onceShowing<Body>(
  scope: TenantScope,
  asked: Idempotency | undefined,
  act: () => Promise<{ answer: KeptAnswer<Body>; secret: Secret }>,
): Promise<{ body: Body; secret: Secret | undefined }> {
  let secret: Secret | undefined
  const { body } = await once(scope, asked, async () => {
    const made = await act()
    secret = made.secret
    return made.answer
  })
  return { body, secret }
}

/**
 * For an effect that calls HubSpot, during which no transaction is open. The key is claimed first,
 * and `keep` is called in the transaction of the effect. A refusal has no effect, so it releases
 * the key.
 */
export async function onceAcross<Body>(
  db: Database,
  tenantId: TenantId | undefined,
  asked: Idempotency | undefined,
  act: (keep: (scope: TenantScope, answer: KeptAnswer<Body>) => Promise<void>) => Promise<KeptAnswer<Body>>,
): Promise<KeptAnswer<Body>> {
  if (!asked || !tenantId) return await act(async () => {})
  const begun = await withTenant(db, tenantId, async (scope) => {
    const kept = await findAnswer<Body>(scope, asked)
    return kept ? { kept } : { claim: await claimKey(scope, asked) }
  })
  if (begun.kept) return begun.kept
  const { claim } = begun
  try {
    return await act((scope, answer) => keepAnswer(scope, asked, claim, answer))
  } catch (error) {
    // A key that cannot be released becomes free when its lease ends.
    await withTenant(db, tenantId, (scope) => releaseKey(scope, asked, claim)).catch(() => {})
    throw error
  }
}
