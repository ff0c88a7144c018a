/** Authenticates a request. Open mode has one principal; otherwise a credential is required. */
import type { Secret } from '../lib/secret.ts'
import { refuseForeignPage } from './forged.ts'
import { byOperatorKey } from './operator-keys.ts'
import type { AuthRequest, Proven, Way } from './proven.ts'

/**
 * @returns undefined when the request is not authenticated. Throws what its authenticators throw: a
 *   caller that cannot be looked up is not admitted
 */
export type Authenticate = (asked: AuthRequest) => Promise<Proven | undefined>

/** The authenticator of open mode: admits everything except pages of other origins. */
export const anybody: Authenticate = async (asked) => {
  refuseForeignPage(asked)
  return { principal: { kind: 'open' } }
}

/** A longer bearer is not read: no credential of Spoke or a provider is that long. */
const bearerOf = (header: unknown) => /^Bearer ([\x21-\x7e]{1,8192})$/i.exec(String(header))?.[1]

/**
 * @param keys the operator's keys from the configuration
 * @param ways further authenticators of a bearer, in the order in which they are tried
 * @param bySession authenticates by a cookie; called when there is no Authorization header
 */
export function createAuthenticate(
  keys: { admin: Secret; metrics: Secret | undefined },
  ways: readonly Way[],
  bySession: Authenticate,
): Authenticate {
  const all = [byOperatorKey(keys), ...ways]
  return async (asked) => {
    const { authorization } = asked.headers
    // A caller that sends the header means it: a cookie never replaces a credential that is not
    // valid.
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
