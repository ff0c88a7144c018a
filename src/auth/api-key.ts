/** The form of a tenant's key: `spk_<id>_<secret>`. The id may be shown; the rest is 256 random bits. Pure but for the dice. */
import { randomBytes } from 'node:crypto'
import { Secret } from '../lib/secret.ts'

const form = /^spk_([0-9a-f]{16})_[A-Za-z0-9_-]{43}$/

export function newApiKey(): { keyId: string; key: Secret } {
  const keyId = randomBytes(8).toString('hex')
  return { keyId, key: new Secret(`spk_${keyId}_${randomBytes(32).toString('base64url')}`) }
}

/** @returns the id that a key names, or undefined when the text has not the form of a key */
export const keyIdOf = (text: string): string | undefined => form.exec(text)?.[1]
