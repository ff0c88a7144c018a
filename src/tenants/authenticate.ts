/** Tells who asks from what a request carries. Open mode has one principal; otherwise a credential must prove it. */
import { createHash, timingSafeEqual } from 'node:crypto'
import type { Secret } from '../lib/secret.ts'
import type { Principal } from './principal.ts'
import type { ProveKey } from './prove-key.ts'

/** @returns undefined when the headers prove nobody. Throws the database's errors: who cannot be looked up is not let in */
export type Authenticate = (headers: { authorization?: string | undefined }) => Promise<Principal | undefined>

/** What a service that is open to this machine answers with. */
export const anybody: Authenticate = async () => ({ kind: 'open' })

const digest = (text: string) => createHash('sha256').update(text).digest()

/** @param keys of the operator's own configuration; every other credential is a tenant's */
export function createAuthenticate(
  keys: { admin: Secret; metrics: Secret | undefined },
  proveKey: ProveKey,
): Authenticate {
  const admin = digest(keys.admin.reveal())
  const metrics = keys.metrics && digest(keys.metrics.reveal())
  return async ({ authorization }) => {
    const [, given] = /^Bearer ([\x21-\x7e]{1,512})$/i.exec(authorization ?? '') ?? []
    if (given === undefined) return undefined
    // Digests are of one length, so the comparison takes the same time for every key.
    const known = digest(given)
    if (timingSafeEqual(known, admin)) return { kind: 'admin' }
    if (metrics && timingSafeEqual(known, metrics)) return { kind: 'metrics' }
    return await proveKey(given)
  }
}
