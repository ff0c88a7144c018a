/** Authenticates a request. Open mode has one principal; otherwise a credential is required. */
import type { Secret } from '../lib/secret.ts'
import type { AuthContext, AuthRequest, BearerAuthenticator } from './auth-context.ts'
import { requireSameOrigin } from './csrf.ts'
import { createOperatorKeyAuthenticator } from './operator-keys.ts'

/**
 * @returns undefined when the request is not authenticated. Throws what its authenticators throw: a
 *   caller that cannot be looked up is not admitted
 */
export type Authenticate = (request: AuthRequest) => Promise<AuthContext | undefined>

/** The authenticator of open mode: admits everything except pages of other origins. */
export const authenticateInOpenMode: Authenticate = async (request) => {
  requireSameOrigin(request)
  return { principal: { kind: 'open' } }
}

/** A longer bearer is not read: no credential of Spoke or a provider is that long. */
const bearerOf = (header: unknown) => /^Bearer ([\x21-\x7e]{1,8192})$/i.exec(String(header))?.[1]

/**
 * @param keys the operator's keys from the configuration
 * @param authenticators further authenticators of a bearer, in the order in which they are tried
 * @param authenticateBySession authenticates by a cookie; called when there is no Authorization header
 */
export function createAuthenticate(
  keys: { admin: Secret; metrics: Secret | undefined },
  authenticators: readonly BearerAuthenticator[],
  authenticateBySession: Authenticate,
): Authenticate {
  const all = [createOperatorKeyAuthenticator(keys), ...authenticators]
  return async (request) => {
    const { authorization } = request.headers
    // A caller that sends the header means it: a cookie never replaces a credential that is not
    // valid.
    if (authorization === undefined) return await authenticateBySession(request)
    const bearer = bearerOf(authorization)
    if (bearer === undefined) return undefined
    for (const authenticate of all) {
      const context = await authenticate(bearer)
      if (context) return context
    }
    return undefined
  }
}
