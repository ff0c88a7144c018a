/**
 * Authenticates a tenant's key and caches the result for half a second.
 *
 * A busy key therefore costs two short reads a second, and every process refuses a revoked key
 * within one second.
 */
import { createHash, timingSafeEqual } from 'node:crypto'
import type { Principal } from '../api/principal.ts'
import type { Database } from '../db/database.ts'
import { unlessErasing, withSystem, withSystemOnce, withTenant } from '../db/scope.ts'
import type { Clock } from '../lib/clock.ts'
import type { Log } from '../lib/log.ts'
import type { KeyRing } from '../lib/seal.ts'
import { Secret } from '../lib/secret.ts'
import { keyIdOf } from './api-key.ts'
import { findLiveKey, type KeyToProve, recordKeyUse } from './api-key-store.ts'
import { apiKeyHash } from './api-keys.ts'
import type { Way } from './proven.ts'

const freshMs = 500
/** With more keys in use at once, some are looked up more often, but never wrongly. */
const most = 10_000

interface Proof {
  at: number
  principal: Promise<Principal | undefined>
  /** The stored hash and scopes that this key was verified against. */
  proved: string | undefined
}

export type ProveKey = (text: string) => Promise<Principal | undefined>

/** Authenticates a tenant's key as a bearer. */
export const byTenantKey =
  (proveKey: ProveKey): Way =>
  async (bearer) => {
    const principal = await proveKey(bearer)
    return principal && { principal }
  }

/**
 * @returns authenticates a key as it was sent; undefined when it is malformed, unknown, revoked or
 *   expired. Throws the database's errors.
 */
export function createProveKey(parts: { db: Database; ring: KeyRing; clock: Clock; log: Log }): ProveKey {
  const { db, ring, clock, log } = parts
  const proofs = new Map<string, Proof>()

  async function prove(text: string, keyId: string, proof: Proof): Promise<Principal | undefined> {
    const found = await withSystemOnce(db, (scope) => findLiveKey(scope, keyId))
    if (!found || !(await holds(text, found, proof))) return undefined
    // The write may be late or fail; nothing depends on it.
    withSystem(db, (scope) => recordKeyUse(scope, keyId)).catch((err: unknown) =>
      log.warn({ err }, 'the last use of an API key could not be recorded'),
    )
    return { kind: 'tenant', tenantId: found.tenantId, scopes: found.scopes, by: `key:${keyId}` }
  }

  /**
   * Hashes a key again only when its row has changed, because opening the data key is expensive.
   */
  async function holds(
    text: string,
    { tenantId, scopes, keyHash }: KeyToProve,
    proof: Proof,
  ): Promise<boolean> {
    const stored = [keyHash, ...scopes].join(' ')
    if (proof.proved === stored) return true
    const hash = await unlessErasing(
      withTenant(db, tenantId, (scope) => apiKeyHash(scope, ring, new Secret(text), scopes)),
    )
    if (hash?.length !== keyHash.length || !timingSafeEqual(Buffer.from(hash), Buffer.from(keyHash)))
      return false
    proof.proved = stored
    return true
  }

  return async (text) => {
    const keyId = keyIdOf(text)
    if (!keyId) return undefined
    const known = digest(text)
    const last = proofs.get(known)
    if (last && clock.monotonic() - last.at < freshMs) return await last.principal
    const proof: Proof = {
      at: clock.monotonic(),
      principal: Promise.resolve(undefined),
      proved: last?.proved,
    }
    proof.principal = prove(text, keyId, proof)
    remember(known, proof)
    try {
      const principal = await proof.principal
      // Only valid keys are cached: wrong keys must not evict them.
      if (!principal) forget(known, proof)
      return principal
    } catch (error) {
      forget(known, proof)
      throw error
    }
  }

  function remember(known: string, proof: Proof): void {
    proofs.delete(known)
    proofs.set(known, proof)
    const [oldest] = proofs.size > most ? proofs.keys() : []
    if (oldest !== undefined) proofs.delete(oldest)
  }

  function forget(known: string, proof: Proof): void {
    if (proofs.get(known) === proof) proofs.delete(known)
  }
}

const digest = (text: string) => createHash('sha256').update(text).digest('base64')
