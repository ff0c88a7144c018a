/**
 * Authenticates a tenant's key and caches the result for half a second.
 *
 * A busy key therefore costs two short reads a second, and every process refuses a revoked key
 * within one second.
 */
import { createHash, timingSafeEqual } from 'node:crypto'
import type { Principal } from '../api/principal.ts'
import type { Database } from '../db/database.ts'
import { unlessErasing, withSystem, withSystemStatement, withTenant } from '../db/scope.ts'
import type { Clock } from '../lib/clock.ts'
import type { Log } from '../lib/log.ts'
import type { KeyRing } from '../lib/seal.ts'
import { Secret } from '../lib/secret.ts'
import { keyIdOf } from './api-key.ts'
import { findLiveApiKey, recordApiKeyUse, type StoredApiKey } from './api-key-store.ts'
import { apiKeyHash } from './api-keys.ts'
import type { BearerAuthenticator } from './auth-context.ts'

const freshMs = 500
/** With more keys in use at once, some are looked up more often, but never wrongly. */
const maxCached = 10_000

interface CachedVerification {
  at: number
  principal: Promise<Principal | undefined>
  /** The stored hash and scopes that this key was verified against. */
  verifiedAgainst: string | undefined
}

export type VerifyApiKey = (text: string) => Promise<Principal | undefined>

/** Authenticates a tenant's key as a bearer. */
export const createApiKeyAuthenticator =
  (verifyApiKey: VerifyApiKey): BearerAuthenticator =>
  async (bearer) => {
    const principal = await verifyApiKey(bearer)
    return principal && { principal }
  }

/**
 * @returns authenticates a key as it was sent; undefined when it is malformed, unknown, revoked or
 *   expired. Throws the database's errors.
 */
export function createApiKeyVerifier(deps: {
  db: Database
  ring: KeyRing
  clock: Clock
  log: Log
}): VerifyApiKey {
  const { db, ring, clock, log } = deps
  const cache = new Map<string, CachedVerification>()

  async function verify(
    text: string,
    keyId: string,
    verification: CachedVerification,
  ): Promise<Principal | undefined> {
    const found = await withSystemStatement(db, (scope) => findLiveApiKey(scope, keyId))
    if (!found || !(await matchesHash(text, found, verification))) return undefined
    // The write may be late or fail; nothing depends on it.
    withSystem(db, (scope) => recordApiKeyUse(scope, keyId)).catch((err: unknown) =>
      log.warn({ err }, 'the last use of an API key could not be recorded'),
    )
    return { kind: 'tenant', tenantId: found.tenantId, scopes: found.scopes, by: `key:${keyId}` }
  }

  /**
   * Hashes a key again only when its row has changed, because opening the data key is expensive.
   */
  async function matchesHash(
    text: string,
    { tenantId, scopes, keyHash }: StoredApiKey,
    verification: CachedVerification,
  ): Promise<boolean> {
    const stored = [keyHash, ...scopes].join(' ')
    if (verification.verifiedAgainst === stored) return true
    const hash = await unlessErasing(
      withTenant(db, tenantId, (scope) => apiKeyHash(scope, ring, new Secret(text), scopes)),
    )
    if (hash?.length !== keyHash.length || !timingSafeEqual(Buffer.from(hash), Buffer.from(keyHash)))
      return false
    verification.verifiedAgainst = stored
    return true
  }

  return async (text) => {
    const keyId = keyIdOf(text)
    if (!keyId) return undefined
    const known = digest(text)
    const last = cache.get(known)
    if (last && clock.monotonic() - last.at < freshMs) return await last.principal
    const proof: CachedVerification = {
      at: clock.monotonic(),
      principal: Promise.resolve(undefined),
      verifiedAgainst: last?.verifiedAgainst,
    }
    proof.principal = verify(text, keyId, proof)
    addToCache(known, proof)
    try {
      const principal = await proof.principal
      // Only valid keys are cached: wrong keys must not evict them.
      if (!principal) removeFromCache(known, proof)
      return principal
    } catch (error) {
      removeFromCache(known, proof)
      throw error
    }
  }

  function addToCache(known: string, verification: CachedVerification): void {
    cache.delete(known)
    cache.set(known, verification)
    const [oldest] = cache.size > maxCached ? cache.keys() : []
    if (oldest !== undefined) cache.delete(oldest)
  }

  function removeFromCache(known: string, verification: CachedVerification): void {
    if (cache.get(known) === verification) cache.delete(known)
  }
}

const digest = (text: string) => createHash('sha256').update(text).digest('base64')
