/**
 * Proves a tenant's key. What was proved is remembered for half a second, so that a busy key costs two short reads a second and a
 * revoked one is refused by every process within one.
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
import { findLiveKey, type KeyToProve, noteUse } from './api-key-store.ts'
import { hashOf } from './api-keys.ts'
import type { Way } from './proven.ts'

const freshMs = 500
/** More keys than this at one time are looked up more often, never wrongly. */
const most = 10_000

interface Proof {
  at: number
  principal: Promise<Principal | undefined>
  /** The stored hash, and the scopes with it, that this very key was proved to have. */
  proved: string | undefined
}

export type ProveKey = (text: string) => Promise<Principal | undefined>

/** A tenant's key as a bearer. */
export const byTenantKey =
  (proveKey: ProveKey): Way =>
  async (bearer) => {
    const principal = await proveKey(bearer)
    return principal && { principal }
  }

/** @returns reads a key as it was sent; undefined when it is none, is not known, or is over. Throws the database's errors. */
export function createProveKey(parts: { db: Database; ring: KeyRing; clock: Clock; log: Log }): ProveKey {
  const { db, ring, clock, log } = parts
  const proofs = new Map<string, Proof>()

  async function prove(text: string, keyId: string, proof: Proof): Promise<Principal | undefined> {
    const found = await withSystemOnce(db, (scope) => findLiveKey(scope, keyId))
    if (!found || !(await holds(text, found, proof))) return undefined
    // It may come late, or not at all: nothing hangs on it.
    withSystem(db, (scope) => noteUse(scope, keyId)).catch((err: unknown) =>
      log.warn({ err }, 'the use of a key could not be noted'),
    )
    return { kind: 'tenant', tenantId: found.tenantId, scopes: found.scopes, by: `key:${keyId}` }
  }

  /** One key may be hashed again only when its row has changed: opening the data key is the dear part. */
  async function holds(
    text: string,
    { tenantId, scopes, keyHash }: KeyToProve,
    proof: Proof,
  ): Promise<boolean> {
    const stored = [keyHash, ...scopes].join(' ')
    if (proof.proved === stored) return true
    const hash = await unlessErasing(
      withTenant(db, tenantId, (scope) => hashOf(scope, ring, new Secret(text), scopes)),
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
      // Only what holds is worth a place: wrong keys must not push out right ones.
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
