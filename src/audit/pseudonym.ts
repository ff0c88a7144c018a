/** What a tenant is called where its id may not stay: a keyed hash, by which nobody finds the id without the key ring. Pure. */
import { createHmac, hkdfSync } from 'node:crypto'
import type { TenantId } from '../db/tenant-id.ts'
import { type KeyRing, newestOf, type RingKey } from '../lib/seal.ts'

/** `tenant:<name of the ring's key>:<hash>`. */
function under({ kid, key }: RingKey, tenantId: TenantId): string {
  // A key of its own, so that the ring's key does one thing only.
  const own = Buffer.from(hkdfSync('sha256', key, '', 'spoke: pseudonym of a tenant', 32))
  const hash = createHmac('sha256', own).update(tenantId).digest('base64url').slice(0, 22)
  return `tenant:${kid}:${hash}`
}

/** Under the newest key of the ring. */
export const pseudonymOf = (ring: KeyRing, tenantId: TenantId): string => under(newestOf(ring), tenantId)

/** Under each key of the ring: all that the tenant was called while one of them was the newest. */
export const pseudonymsOf = (ring: KeyRing, tenantId: TenantId): string[] =>
  ring.map((key) => under(key, tenantId))
