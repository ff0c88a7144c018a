/** The key ring against the database: does every key open what it should, what does each seal, and sealing under the newest. */
import type { Database } from '../db/database.ts'
import { type SystemScope, withSystem, withTenant } from '../db/scope.ts'
import type { TenantId } from '../db/tenant-id.ts'
import { isTenantErasing } from '../lib/errors.ts'
import { type KeyRing, newestOf, newSentinel, opensSentinel, type RingKey, SealError } from '../lib/seal.ts'
import { deleteKeys, insertKey, type KeyUse, keyUses, knownKeys, tenantsNotUnder } from './key-ring-store.ts'
import { resealTenant, sealerOf } from './store.ts'

const tenantsOf = (count: number) => (count === 1 ? '1 tenant' : `${count} tenants`)
const another = (kid: string) =>
  `key "${kid}" of the ring is not the key that this database knows by that name; put the right one back`

/**
 * Holds the ring against the database, by a sentinel per key. Constant in time while the database knows the ring's keys and no
 * others; a key that came or went costs one look through the tenants, and a key that came must open a data key that stands
 * under its name.
 *
 * @returns what is wrong, by the keys' names and in words for an operator; empty when all is well
 */
export async function ringFaults(db: Database, ring: KeyRing): Promise<string[]> {
  return (await holdAgainst(db, ring)).faults
}

/** As ringFaults, before anything is served or sealed; keys that are new to the database are known to it from then on. */
export async function admitRing(db: Database, ring: KeyRing): Promise<string[]> {
  const { faults, came } = await holdAgainst(db, ring)
  return faults.length > 0 || came.length === 0 ? faults : await learn(db, came)
}

async function holdAgainst(db: Database, ring: KeyRing): Promise<{ faults: string[]; came: KeyRing }> {
  const known = new Map(
    (await withSystem(db, knownKeys)).map(({ kid, sentinel }) => [kid, sentinel] as const),
  )
  const kids = new Set(ring.map(({ kid }) => kid))
  const came = ring.filter(({ kid }) => !known.has(kid))
  const went = [...known.keys()].filter((kid) => !kids.has(kid))
  const faults = await wrongKeys(ring, known)
  if (came.length === 0 && went.length === 0) return { faults, came }
  const uses = await withSystem(db, keyUses)
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

/** A key that was in use before its sentinel: what it must open then is the data key of one of its tenants. */
async function opensDataKey(db: Database, key: RingKey, { example }: KeyUse): Promise<boolean> {
  if (example === null) return true
  try {
    await withTenant(db, example, (scope) => sealerOf(scope, [key]))
    return true
  } catch (error) {
    if (isTenantErasing(error)) return true
    if (error instanceof SealError) return false
    throw error
  }
}

/** Makes their sentinels. Of two processes that bring one name with two keys, the second is refused here. */
async function learn(db: Database, keys: KeyRing): Promise<string[]> {
  const sealed = await Promise.all(
    keys.map(async (key) => ({ kid: key.kid, sentinel: await newSentinel(key) })),
  )
  const known = await withSystem(db, async (scope) => {
    for (const { kid, sentinel } of sealed) await insertKey(scope, kid, sentinel)
    return await knownKeys(scope)
  })
  return await wrongKeys(keys, new Map(known.map(({ kid, sentinel }) => [kid, sentinel])))
}

export interface RingStatus {
  /** The ring in its order; nothing needs a key that seals 0 tenants and is not the newest. */
  ring: { kid: string; newest: boolean; tenants: number }[]
  /** Keys that seal tenants' data keys and are not in the ring. */
  missing: { kid: string; tenants: number }[]
}

export async function ringStatus(db: Database, ring: KeyRing): Promise<RingStatus> {
  const uses = await withSystem(db, keyUses)
  const tenants = (kid: string) => uses.find((use) => use.kid === kid)?.tenants ?? 0
  return {
    ring: ring.map(({ kid }, at) => ({ kid, newest: at === 0, tenants: tenants(kid) })),
    missing: uses
      .filter(({ kid }) => ring.every((key) => key.kid !== kid))
      .map((use) => ({ kid: use.kid, tenants: use.tenants })),
  }
}

export interface Rotation {
  newest: string
  /** Data keys that this run sealed under the newest key. */
  resealed: number
  /** Tenants whose data key does not open: they stay as they are. */
  failed: { tenant_id: string; error: string }[]
  /** Tenants that another key still seals: those that failed, and those that a process with an older ring made meanwhile. */
  left: number
}

/**
 * Seals every tenant's data key under the newest key of the ring. Each tenant is a transaction in its own scope, so it can be
 * killed at any point and run again, beside readers and beside itself.
 *
 * @param told after each step, with the number sealed so far
 */
export async function rotate(
  db: Database,
  ring: KeyRing,
  onProgress: (resealed: number) => void = () => {},
  step = 200,
): Promise<Rotation> {
  const { kid } = newestOf(ring)
  const rotation: Rotation = { newest: kid, resealed: 0, failed: [], left: 0 }
  for (let after: TenantId | undefined; ; ) {
    const ids = await withSystem(db, (scope) => tenantsNotUnder(scope, kid, after, step))
    if (ids.length === 0) break
    for (const tenantId of ids) {
      try {
        if (await withTenant(db, tenantId, (scope) => resealTenant(scope, ring))) rotation.resealed += 1
      } catch (error) {
        if (isTenantErasing(error)) continue
        // One bad tenant never stops another.
        if (!(error instanceof SealError)) throw error
        rotation.failed.push({ tenant_id: tenantId, error: error.message })
      }
    }
    after = ids.at(-1)
    onProgress(rotation.resealed)
  }
  rotation.left = await withSystem(db, (scope) => leaveBehind(scope, ring))
  return rotation
}

/**
 * Keys that have left the ring and seal nothing are forgotten: the next start need not look for their tenants.
 *
 * @returns how many tenants another key than the newest seals
 */
async function leaveBehind(scope: SystemScope, ring: KeyRing): Promise<number> {
  const uses = await keyUses(scope)
  const kept = new Set([...ring, ...uses].map(({ kid }) => kid))
  const gone = (await knownKeys(scope)).map(({ kid }) => kid).filter((kid) => !kept.has(kid))
  await deleteKeys(scope, gone)
  const newest = newestOf(ring).kid
  return uses.reduce((sum, { kid, tenants }) => (kid === newest ? sum : sum + tenants), 0)
}
