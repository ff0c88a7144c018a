/**
 * The format of a tenant's key: `spk_<id>_<secret>`. Pure except for randomness.
 *
 * The id may be shown; the secret is 256 random bits.
 */
import { randomBytes } from 'node:crypto'
import { Secret } from '../lib/secret.ts'

const form = /^spk_([0-9a-f]{16})_[A-Za-z0-9_-]{43}$/

export function newApiKey(): { keyId: string; key: Secret } {
  const keyId = randomBytes(8).toString('hex')
  return { keyId, key: new Secret(`spk_${keyId}_${randomBytes(32).toString('base64url')}`) }
}

/** @returns the id in the key, or undefined when the text does not have the format of a key */
export const keyIdOf = (text: string): string | undefined => form.exec(text)?.[1]
