/**
 * Sealing secrets at rest. Each tenant has a data key; it seals that tenant's secrets, and is itself sealed by the
 * newest key of the ring. What a value belongs to stands in the authenticated header, so a token copied to another
 * row, tenant or field does not open there.
 */
import { randomBytes } from 'node:crypto'
import { CompactEncrypt, compactDecrypt, decodeProtectedHeader } from 'jose'
import { Secret } from './secret.ts'

/** Newest first; the first seals, all open. Each key is 32 bytes. */
export type KeyRing = readonly { kid: string; key: Uint8Array }[]

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
  const newest = ring[0]
  if (!newest) throw new SealError('the key ring is empty')
  return await encrypt(randomBytes(32), newest.kid, newest.key, { tenant, field: 'data_key' })
}

export interface TenantSealer {
  seal(secret: Secret, belongs: { integration?: string; field: string }): Promise<string>
  open(sealed: string, belongs: { integration?: string; field: string }): Promise<Secret>
}

/** Opens the tenant's data key and seals and opens that tenant's values with it. Throws SealError. */
export async function tenantSealer(
  ring: KeyRing,
  tenant: string,
  sealedDataKey: string,
): Promise<TenantSealer> {
  const keys = new Map(ring.map(({ kid, key }) => [kid, key]))
  const dataKey = await decrypt(sealedDataKey, (kid) => keys.get(kid), { tenant, field: 'data_key' })
  const own = 'tenant'
  return {
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
