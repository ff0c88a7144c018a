/**
 * Seals secrets at rest. Each tenant has a data key that seals its secrets; the newest key of the
 * ring seals the data key. The authenticated header names the row a value belongs to, so a token
 * copied to another row, tenant or field does not open there.
 */
import { createHmac, hkdfSync, randomBytes } from 'node:crypto'
import { CompactEncrypt, compactDecrypt, decodeProtectedHeader } from 'jose'
import { Secret } from './secret.ts'

/** 32 bytes, and the name recorded in everything they seal. */
export interface RingKey {
  kid: string
  key: Uint8Array
}

/** Newest first. The first one seals; all of them open. */
export type KeyRing = readonly RingKey[]

/** @throws SealError when the ring is empty */
export function newestKey(ring: KeyRing): RingKey {
  const newest = ring[0]
  if (!newest) throw new SealError('the key ring is empty')
  return newest
}

const keyIn = (ring: KeyRing) => (kid: string) => ring.find((one) => one.kid === kid)?.key

/** What a sealed value belongs to. `integration` is absent if it belongs to the tenant itself. */
export interface SealContext {
  tenant: string
  integration?: string
  field: string
}

/** A value does not open: wrong key, wrong row, or modified. Names the key id, never the value. */
export class SealError extends Error {
  override name = 'SealError' as const
}

async function encrypt(
  plain: Uint8Array,
  kid: string,
  key: Uint8Array,
  belongs: SealContext,
): Promise<string> {
  return await new CompactEncrypt(plain)
    .setProtectedHeader({ alg: 'dir', enc: 'A256GCM', kid, spoke: { ...belongs } })
    .encrypt(key)
}

async function decrypt(
  sealed: string,
  keyOf: (kid: string) => Uint8Array | undefined,
  belongs: SealContext,
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
    const stands = protectedHeader.spoke as SealContext | undefined
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

/**
 * A new data key for a tenant, sealed by the newest key of the ring, to be stored in the tenant's
 * row.
 */
export async function newDataKey(ring: KeyRing, tenant: string): Promise<string> {
  const newest = newestKey(ring)
  return await encrypt(randomBytes(32), newest.kid, newest.key, { tenant, field: 'data_key' })
}

/**
 * Seals a data key again, under the newest key of the ring. The data key itself does not change, so
 * everything it seals still opens.
 *
 * @returns undefined when the newest key already seals it
 * @throws SealError when the ring does not open it
 */
export async function resealDataKey(
  ring: KeyRing,
  tenant: string,
  sealedDataKey: string,
): Promise<string | undefined> {
  const newest = newestKey(ring)
  const belongs = { tenant, field: 'data_key' }
  const dataKey = await decrypt(sealedDataKey, keyIn(ring), belongs)
  if (decodeProtectedHeader(sealedDataKey).kid === newest.kid) return undefined
  return await encrypt(dataKey, newest.kid, newest.key, belongs)
}

/** The sentinel of a key: sealed random bytes that verify the key at each start. */
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
  /** A keyed hash that requires the tenant's data key to compute or verify. base64url. */
  hash(secret: Secret, field: string): string
}

/**
 * Opens the tenant's data key, which then seals and opens that tenant's values.
 *
 * @throws SealError
 */
export async function tenantSealer(
  ring: KeyRing,
  tenant: string,
  sealedDataKey: string,
): Promise<TenantSealer> {
  const dataKey = await decrypt(sealedDataKey, keyIn(ring), { tenant, field: 'data_key' })
  const own = 'tenant'
  return {
    // A separate key per field: the data key itself is only used for encryption.
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
