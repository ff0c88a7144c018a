/**
 * Authenticates a tenant's key, and caches its row for half a second.
 *
 * A busy key therefore costs two short reads a second, and every process refuses a revoked key
 * within one second. Wrong keys cost little, however many arrive: all unknown ids share a few
 * statements, and a known id, which is not secret, costs no more than its owner does.
 */
import { hash, timingSafeEqual } from 'node:crypto'
import type { Principal } from '../api/principal.ts'
import { createBatchReader } from '../db/batch-reader.ts'
import type { Database } from '../db/database.ts'
import { unlessErasing, withSystem, withSystemStatement, withTenant } from '../db/scope.ts'
import type { Clock } from '../lib/clock.ts'
import type { Log } from '../lib/log.ts'
import type { KeyRing } from '../lib/seal.ts'
import { Secret } from '../lib/secret.ts'
import { keyIdOf } from './api-key.ts'
import { findLiveApiKeys, recordApiKeyUse, type StoredApiKey } from './api-key-store.ts'
import { type ApiKeyHasher, apiKeyHasherOf } from './api-keys.ts'
import type { BearerAuthenticator } from './auth-context.ts'

const freshMs = 500
/** With more keys in use at once, some are looked up more often, but never wrongly. */
const maxCached = 10_000

interface CachedRow extends StoredApiKey {
  /** Everything that the key's hash depends on. */
  stored: string
  /**
   * Holds the tenant's opened data key, for half a second at most. Absent once the right key has been
   * seen with this row: opening the data key is expensive.
   */
  hasher?: ApiKeyHasher | undefined
}

interface CacheEntry {
  /** When the read began; monotonic, ms. */
  at: number
  row: Promise<CachedRow | undefined>
  /** The digest of the right key, and the row that it was verified against. */
  proof: { stored: string; digest: Buffer } | undefined
  used: boolean
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
  const cache = new Map<string, CacheEntry>()
  const readRow = createBatchReader(async (keyIds) => {
    const rows = await withSystemStatement(db, (scope) => findLiveApiKeys(scope, keyIds))
    return new Map(rows.map((row) => [row.key_id, row]))
  })

  async function readKey(keyId: string, proof: CacheEntry['proof']): Promise<CachedRow | undefined> {
    const row = await readRow(keyId)
    if (!row) return undefined
    const stored = [row.tenant_id, row.key_hash, ...row.scopes].join(' ')
    if (proof?.stored === stored) return { ...row, stored }
    const hasher = await unlessErasing(withTenant(db, row.tenant_id, (scope) => apiKeyHasherOf(scope, ring)))
    return hasher && { ...row, stored, hasher }
  }

  /** Callers at the same moment share one read. */
  function entryOf(keyId: string): CacheEntry {
    const before = cache.get(keyId)
    if (before && clock.monotonic() - before.at < freshMs) return before
    const proof = before?.proof
    const entry: CacheEntry = { at: clock.monotonic(), row: readKey(keyId, proof), proof, used: false }
    cache.delete(keyId)
    cache.set(keyId, entry)
    const [oldest] = cache.size > maxCached ? cache.keys() : []
    if (oldest !== undefined) cache.delete(oldest)
    // Only existing keys stay cached: unknown ids must not evict them.
    const forget = () => void (cache.get(keyId) === entry && cache.delete(keyId))
    entry.row.then((row) => {
      if (!row) forget()
      else if (row.hasher)
        setTimeout(() => {
          row.hasher = undefined
          if (!entry.proof) forget()
        }, freshMs).unref()
    }, forget)
    return entry
  }

  return async (text) => {
    const keyId = keyIdOf(text)
    if (!keyId) return undefined
    const entry = entryOf(keyId)
    const row = await entry.row
    if (!row || !isKeyOf(text, row, entry)) return undefined
    if (!entry.used) {
      entry.used = true
      // The write may be late or fail; nothing depends on it.
      withSystem(db, (scope) => recordApiKeyUse(scope, keyId)).catch((err: unknown) =>
        log.warn({ err }, 'the last use of an API key could not be recorded'),
      )
    }
    return { kind: 'tenant', tenantId: row.tenant_id, scopes: row.scopes, by: `key:${keyId}` }
  }
}

/** Computes the keyed hash only until the right key has been seen, because no other key matches the row. */
function isKeyOf(text: string, row: CachedRow, entry: CacheEntry): boolean {
  const digest = hash('sha256', text, 'buffer')
  if (entry.proof?.stored === row.stored) return timingSafeEqual(digest, entry.proof.digest)
  const hashed = Buffer.from(row.hasher?.(new Secret(text), row.scopes) ?? '')
  const keyHash = Buffer.from(row.key_hash)
  if (hashed.length !== keyHash.length || !timingSafeEqual(hashed, keyHash)) return false
  entry.proof = { stored: row.stored, digest }
  row.hasher = undefined
  return true
}
