/** Tells who asks from what a request carries. Open mode has one principal; otherwise a credential must prove it. */
import type { Secret } from '../lib/secret.ts'
import { refuseForeignPage } from './forged.ts'
import { byOperatorKey } from './operator-keys.ts'
import type { Asked, Proven, Way } from './proven.ts'

/** @returns undefined when the request proves nobody. Throws as its ways do: who cannot be looked up is not let in */
export type Authenticate = (asked: Asked) => Promise<Proven | undefined>

/** What a service that is open to this machine answers with, to all but pages of other origins. */
export const anybody: Authenticate = async (asked) => {
  refuseForeignPage(asked)
  return { principal: { kind: 'open' } }
}

/** Beyond it no credential of ours or of a provider is read. */
const bearerOf = (header: unknown) => /^Bearer ([\x21-\x7e]{1,8192})$/i.exec(String(header))?.[1]

/**
 * @param keys of the operator's own configuration
 * @param ways what a bearer may be besides, in the order in which it is tried
 * @param bySession by a cookie; asked when there is no Authorization header
 */
export function createAuthenticate(
  keys: { admin: Secret; metrics: Secret | undefined },
  ways: readonly Way[],
  bySession: Authenticate,
): Authenticate {
  const all = [byOperatorKey(keys), ...ways]
  return async (asked) => {
    const { authorization } = asked.headers
    // Whoever sends a header means it: a cookie never stands in for one that does not hold.
    if (authorization === undefined) return await bySession(asked)
    const bearer = bearerOf(authorization)
    if (bearer === undefined) return undefined
    for (const way of all) {
      const proven = await way(bearer)
      if (proven) return proven
    }
    return undefined
  }
}
