/** Checks the key ring against the database, reports which key seals what, and rotates keys. */
import type { Database } from '../db/database.ts'
import { type SystemScope, withSystem, withTenant } from '../db/scope.ts'
import type { TenantId } from '../db/tenant-id.ts'
import { isTenantErasing } from '../lib/errors.ts'
import { type KeyRing, newestKey, newSentinel, opensSentinel, type RingKey, SealError } from '../lib/seal.ts'
import {
  deleteRingKeys,
  findRingKeys,
  findRingKeyUses,
  insertRingKey,
  type RingKeyUse,
  tenantsNotSealedUnder,
} from './key-ring-store.ts'
import { resealTenant, tenantSealerOf } from './store.ts'

const tenantsOf = (count: number) => (count === 1 ? '1 tenant' : `${count} tenants`)
const another = (kid: string) =>
  `key "${kid}" of the ring is not the key that this database knows by that name; put the right one back`

/**
 * Checks the ring against the database, using one sentinel per key. Takes constant time while the
 * ring and the database have the same keys. An added or removed key costs one scan of all tenants,
 * and an added key must open a data key stored under its name.
 *
 * @returns the faults, by key name and worded for an operator; empty when there are none
 */
export async function keyRingFaults(db: Database, ring: KeyRing): Promise<string[]> {
  return (await compareWithDatabase(db, ring)).faults
}

/**
 * Like keyRingFaults, called before anything is served or sealed. Also stores a sentinel for each key
 * that is new to the database.
 */
export async function admitKeyRing(db: Database, ring: KeyRing): Promise<string[]> {
  const { faults, came } = await compareWithDatabase(db, ring)
  return faults.length > 0 || came.length === 0 ? faults : await insertSentinels(db, came)
}

async function compareWithDatabase(
  db: Database,
  ring: KeyRing,
): Promise<{ faults: string[]; came: KeyRing }> {
  const known = new Map(
    (await withSystem(db, findRingKeys)).map(({ kid, sentinel }) => [kid, sentinel] as const),
  )
  const kids = new Set(ring.map(({ kid }) => kid))
  const came = ring.filter(({ kid }) => !known.has(kid))
  const went = [...known.keys()].filter((kid) => !kids.has(kid))
  const faults = await wrongKeys(ring, known)
  if (came.length === 0 && went.length === 0) return { faults, came }
  const uses = await withSystem(db, findRingKeyUses)
  for (const { kid, tenants } of uses.filter((use) => !kids.has(use.kid)))
    faults.push(
      `key "${kid}" is not in the ring and seals the data keys of ${tenantsOf(tenants)}; put it back`,
    )
  for (const key of came) {
    const use = uses.find(({ kid }) => kid === key.kid)
    if (use && !(await opensDataKey(db, key, use))) faults.push(another(key.kid))
  }
  return { faults, came }
}

async function wrongKeys(ring: KeyRing, known: ReadonlyMap<string, string>): Promise<string[]> {
  const faults: string[] = []
  for (const key of ring) {
    const sentinel = known.get(key.kid)
    if (sentinel !== undefined && !(await opensSentinel(key, sentinel))) faults.push(another(key.kid))
  }
  return faults
}

/** Tests a key that has no sentinel yet but already seals data keys: it must open one of them. */
async function opensDataKey(db: Database, key: RingKey, { example }: RingKeyUse): Promise<boolean> {
  if (example === null) return true
  try {
    await withTenant(db, example, (scope) => tenantSealerOf(scope, [key]))
    return true
  } catch (error) {
    if (isTenantErasing(error)) return true
    if (error instanceof SealError) return false
    throw error
  }
}

/**
 * Creates sentinels for these keys. If two processes add different keys under one name, the second
 * fails here.
 */
async function insertSentinels(db: Database, keys: KeyRing): Promise<string[]> {
  const sealed = await Promise.all(
    keys.map(async (key) => ({ kid: key.kid, sentinel: await newSentinel(key) })),
  )
  const known = await withSystem(db, async (scope) => {
    for (const { kid, sentinel } of sealed) await insertRingKey(scope, kid, sentinel)
    return await findRingKeys(scope)
  })
  return await wrongKeys(keys, new Map(known.map(({ kid, sentinel }) => [kid, sentinel])))
}

export interface KeyRingStatus {
  /** The ring in its order. A key that seals 0 tenants and is not the newest can be removed. */
  ring: { kid: string; newest: boolean; tenants: number }[]
  /** Keys that seal data keys but are not in the ring. */
  missing: { kid: string; tenants: number }[]
}

export async function keyRingStatus(db: Database, ring: KeyRing): Promise<KeyRingStatus> {
  const uses = await withSystem(db, findRingKeyUses)
  const tenants = (kid: string) => uses.find((use) => use.kid === kid)?.tenants ?? 0
  return {
    ring: ring.map(({ kid }, at) => ({ kid, newest: at === 0, tenants: tenants(kid) })),
    missing: uses
      .filter(({ kid }) => ring.every((key) => key.kid !== kid))
      .map((use) => ({ kid: use.kid, tenants: use.tenants })),
  }
}

export interface KeyRingRotation {
  newest: string
  /** Data keys that this run resealed under the newest key. */
  resealed: number
  /** Tenants whose data key does not open; they are left unchanged. */
  failed: { tenant_id: string; error: string }[]
  /**
   * Tenants still sealed by another key: the failed ones, and those created meanwhile by a process
   * with an older ring.
   */
  left: number
}

/**
 * Seals every tenant's data key under the newest key of the ring. Each tenant has its own
 * transaction, so a rotation can be killed at any point, run again, and run beside readers and
 * other rotations.
 *
 * @param onProgress called after each step with the number of keys resealed so far
 */
export async function rotateKeyRing(
  db: Database,
  ring: KeyRing,
  onProgress: (resealed: number) => void = () => {},
  step = 200,
): Promise<KeyRingRotation> {
  const { kid } = newestKey(ring)
  const rotation: KeyRingRotation = { newest: kid, resealed: 0, failed: [], left: 0 }
  for (let after: TenantId | undefined; ; ) {
    const ids = await withSystem(db, (scope) => tenantsNotSealedUnder(scope, kid, after, step))
    if (ids.length === 0) break
    for (const tenantId of ids) {
      try {
        if (await withTenant(db, tenantId, (scope) => resealTenant(scope, ring))) rotation.resealed += 1
      } catch (error) {
        if (isTenantErasing(error)) continue
        // A tenant whose key does not open must not stop the others.
        if (!(error instanceof SealError)) throw error
        rotation.failed.push({ tenant_id: tenantId, error: error.message })
      }
    }
    after = ids.at(-1)
    onProgress(rotation.resealed)
  }
  rotation.left = await withSystem(db, (scope) => deleteUnusedKeys(scope, ring))
  return rotation
}

/**
 * Deletes keys that are neither in the ring nor in use, so that the next start does not scan the
 * tenants for them.
 *
 * @returns how many tenants are sealed by another key than the newest
 */
async function deleteUnusedKeys(scope: SystemScope, ring: KeyRing): Promise<number> {
  const uses = await findRingKeyUses(scope)
  const used = new Set([...ring, ...uses].map(({ kid }) => kid))
  const gone = (await findRingKeys(scope)).map(({ kid }) => kid).filter((kid) => !used.has(kid))
  await deleteRingKeys(scope, gone)
  const newest = newestKey(ring).kid
  return uses.reduce((sum, { kid, tenants }) => (kid === newest ? sum : sum + tenants), 0)
}
