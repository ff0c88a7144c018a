/** Tells who asks from what a request carries. Open mode has one principal; otherwise a credential must prove it. */
import { createHash, timingSafeEqual } from 'node:crypto'
import type { Secret } from '../lib/secret.ts'
import type { Principal } from './principal.ts'

/** @returns undefined when the headers prove nobody */
export type Authenticate = (headers: { authorization?: string | undefined }) => Promise<Principal | undefined>

const digest = (text: string) => createHash('sha256').update(text).digest()

/** @param adminKey absent: open mode */
export function createAuthenticate(adminKey: Secret | undefined): Authenticate {
  if (!adminKey) return async () => ({ kind: 'open' })
  const expected = digest(adminKey.reveal())
  return async ({ authorization }) => {
    const [, given] = /^Bearer ([\x21-\x7e]{1,512})$/i.exec(authorization ?? '') ?? []
    // Digests are of one length, so the comparison takes the same time for every key.
    return given !== undefined && timingSafeEqual(digest(given), expected) ? { kind: 'admin' } : undefined
  }
}
