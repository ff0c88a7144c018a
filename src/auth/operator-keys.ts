/** Authenticates the operator's own keys: the admin key, and the metrics key. */
import { createHash, timingSafeEqual } from 'node:crypto'
import type { Secret } from '../lib/secret.ts'
import type { BearerAuthenticator } from './auth-context.ts'

const digest = (text: string) => createHash('sha256').update(text).digest()

export function createOperatorKeyAuthenticator(keys: {
  admin: Secret
  metrics: Secret | undefined
}): BearerAuthenticator {
  const admin = digest(keys.admin.reveal())
  const metrics = keys.metrics && digest(keys.metrics.reveal())
  return async (bearer) => {
    // Digests have the same length, so the comparison takes the same time for every key.
    const known = digest(bearer)
    if (timingSafeEqual(known, admin)) return { principal: { kind: 'admin' } }
    if (metrics && timingSafeEqual(known, metrics)) return { principal: { kind: 'metrics' } }
    return undefined
  }
}
