/**
 * Sealing secrets at rest. Each tenant has a data key; it seals that tenant's secrets, and is itself sealed by the
 * newest key of the ring. What a value belongs to stands in the authenticated header, so a token copied to another
 * row, tenant or field does not open there.
 */
import { createHmac, hkdfSync, randomBytes } from 'node:crypto'
import { CompactEncrypt, compactDecrypt, decodeProtectedHeader } from 'jose'
import { Secret } from './secret.ts'

/** 32 bytes and the name that stands beside all they seal. */
export interface RingKey {
  kid: string
  key: Uint8Array
}

/** Newest first; the first seals, all open. */
export type KeyRing = readonly RingKey[]

/** @throws SealError when there is none */
export function newestOf(ring: KeyRing): RingKey {
  const newest = ring[0]
  if (!newest) throw new SealError('the key ring is empty')
  return newest
}

const keyIn = (ring: KeyRing) => (kid: string) => ring.find((one) => one.kid === kid)?.key

/** What a sealed value belongs to. `integration` is absent for what belongs to the tenant itself. */
export interface SealedFor {
  tenant: string
  integration?: string
  field: string
}

/** Thrown when a value does not open here: wrong key, wrong row, or changed. Names the key id, never the value. */
export class SealError extends Error {
  override name = 'SealError' as const
}

async function encrypt(plain: Uint8Array, kid: string, key: Uint8Array, belongs: SealedFor): Promise<string> {
  return await new CompactEncrypt(plain)
    .setProtectedHeader({ alg: 'dir', enc: 'A256GCM', kid, spoke: { ...belongs } })
    .encrypt(key)
}

async function decrypt(
  sealed: string,
  keyOf: (kid: string) => Uint8Array | undefined,
  belongs: SealedFor,
): Promise<Uint8Array> {
  let kid = '?'
  try {
    kid = String(decodeProtectedHeader(sealed).kid)
    const key = keyOf(kid)
    if (!key) throw new SealError(`no key "${kid}" in the ring`)
    const { plaintext, protectedHeader } = await compactDecrypt(sealed, key, {
      keyManagementAlgorithms: ['dir'],
      contentEncryptionAlgorithms: ['A256GCM'],
    })
    const stands = protectedHeader.spoke as SealedFor | undefined
    const same =
      stands?.tenant === belongs.tenant &&
      stands.integration === belongs.integration &&
      stands.field === belongs.field
    if (!same) throw new SealError(`a sealed ${belongs.field} belongs to another row`)
    return plaintext
  } catch (error) {
    if (error instanceof SealError) throw error
    throw new SealError(`a sealed ${belongs.field} does not open with key "${kid}"`, { cause: error })
  }
}

/** A new data key for a tenant, sealed by the newest key of the ring. Stored in the tenant's row. */
export async function newDataKey(ring: KeyRing, tenant: string): Promise<string> {
  const newest = newestOf(ring)
  return await encrypt(randomBytes(32), newest.kid, newest.key, { tenant, field: 'data_key' })
}

/**
 * A sealed data key under the newest key of the ring; the data key itself stays, and so does all that it seals.
 *
 * @returns undefined when the newest key seals it already. Throws SealError when the ring does not open it.
 */
export async function resealDataKey(
  ring: KeyRing,
  tenant: string,
  sealedDataKey: string,
): Promise<string | undefined> {
  const newest = newestOf(ring)
  const belongs = { tenant, field: 'data_key' }
  const dataKey = await decrypt(sealedDataKey, keyIn(ring), belongs)
  if (decodeProtectedHeader(sealedDataKey).kid === newest.kid) return undefined
  return await encrypt(dataKey, newest.kid, newest.key, belongs)
}

/** What proves a key of the ring at each start: random bytes that nothing else is sealed with. */
const sentinelOf = { tenant: 'none', field: 'sentinel' }

export async function newSentinel({ kid, key }: RingKey): Promise<string> {
  return await encrypt(randomBytes(32), kid, key, sentinelOf)
}

/** Whether this is the key that made the sentinel. */
export async function opensSentinel({ kid, key }: RingKey, sentinel: string): Promise<boolean> {
  try {
    await decrypt(sentinel, (sealing) => (sealing === kid ? key : undefined), sentinelOf)
    return true
  } catch {
    return false
  }
}

export interface TenantSealer {
  seal(secret: Secret, belongs: { integration?: string; field: string }): Promise<string>
  open(sealed: string, belongs: { integration?: string; field: string }): Promise<Secret>
  /** A hash that nobody without the tenant's data key can make or test. base64url. */
  hash(secret: Secret, field: string): string
}

/** Opens the tenant's data key and seals and opens that tenant's values with it. Throws SealError. */
export async function tenantSealer(
  ring: KeyRing,
  tenant: string,
  sealedDataKey: string,
): Promise<TenantSealer> {
  const dataKey = await decrypt(sealedDataKey, keyIn(ring), { tenant, field: 'data_key' })
  const own = 'tenant'
  return {
    // A key of its own per field: the data key itself only ever encrypts.
    hash: (secret, field) =>
      createHmac('sha256', Buffer.from(hkdfSync('sha256', dataKey, tenant, `spoke hash ${field}`, 32)))
        .update(secret.reveal())
        .digest('base64url'),
    seal: (secret, belongs) =>
      encrypt(new TextEncoder().encode(secret.reveal()), own, dataKey, { tenant, ...belongs }),
    open: async (sealed, belongs) =>
      new Secret(
        new TextDecoder().decode(
          await decrypt(sealed, (kid) => (kid === own ? dataKey : undefined), { tenant, ...belongs }),
        ),
      ),
  }
}
