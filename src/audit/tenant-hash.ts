/**
 * Names a tenant where its id must not remain. Pure.
 *
 * A pseudonym is a keyed hash; nobody can find the id without the key ring.
 */
import { createHmac, hkdfSync } from 'node:crypto'
import type { TenantId } from '../db/tenant-id.ts'
import { type KeyRing, newestKey, type RingKey } from '../lib/seal.ts'

/** `tenant:<name of the ring's key>:<hash>`. */
function hashUnder({ kid, key }: RingKey, tenantId: TenantId): string {
  // A derived key, so that the ring's key has only one use.
  const own = Buffer.from(hkdfSync('sha256', key, '', 'spoke: pseudonym of a tenant', 32))
  const hash = createHmac('sha256', own).update(tenantId).digest('base64url').slice(0, 22)
  return `tenant:${kid}:${hash}`
}

/** Under the newest key of the ring. */
export const tenantHash = (ring: KeyRing, tenantId: TenantId): string => hashUnder(newestKey(ring), tenantId)

/**
 * Under each key of the ring: every pseudonym that the tenant had while one of them was the newest.
 */
export const tenantHashes = (ring: KeyRing, tenantId: TenantId): string[] =>
  ring.map((key) => hashUnder(key, tenantId))
