/** What a request carries to authenticate itself, and the result of authentication. */
import type { Principal } from '../api/principal.ts'

/** The part of a request that can authenticate its caller. */
export interface AuthRequest {
  method: string
  headers: Readonly<Record<string, string | string[] | undefined>>
}

/** A browser's session, from its cookie. */
export interface SessionContext {
  tokenHash: string
  /** What a page must send along with the cookie. */
  csrf: string
  expiresAt: Date
}

export interface AuthContext {
  principal: Principal
  /** When the credential expires, epoch ms; absent: only when it is revoked. */
  until?: number
  session?: SessionContext
}

/**
 * An authenticator of one kind of bearer credential.
 *
 * @returns undefined when the bearer is of another kind or not valid
 */
export type BearerAuthenticator = (bearer: string) => Promise<AuthContext | undefined>
