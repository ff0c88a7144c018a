/** Who asks. Open mode has one principal; otherwise the admin key, which may act for every tenant. */
import { createHash, timingSafeEqual } from 'node:crypto'
import type { Secret } from '../lib/secret.ts'

export type Principal = { kind: 'open' } | { kind: 'admin' }

const digest = (text: string) => createHash('sha256').update(text).digest()

/**
 * @param adminKey absent: open mode
 * @returns reads an Authorization header; undefined when it proves nobody
 */
export function createAuthenticate(
  adminKey: Secret | undefined,
): (header: string | undefined) => Principal | undefined {
  if (!adminKey) return () => ({ kind: 'open' })
  const expected = digest(adminKey.reveal())
  return (header) => {
    const [, given] = /^Bearer ([\x21-\x7e]{1,512})$/i.exec(header ?? '') ?? []
    // Digests are of one length, so the comparison takes the same time for every key.
    return given !== undefined && timingSafeEqual(digest(given), expected) ? { kind: 'admin' } : undefined
  }
}
