/** What a request carries, and what was proved by it. */
import type { Principal } from '../api/principal.ts'

/** The part of a request that can prove who asks. */
export interface Asked {
  method: string
  headers: Readonly<Record<string, string | string[] | undefined>>
}

/** A browser's session, as it was carried by a cookie. */
export interface Session {
  tokenHash: string
  /** What a page must send beside the cookie. */
  csrf: string
  expiresAt: Date
}

export interface Proven {
  principal: Principal
  /** When the credential ends by itself, epoch ms; absent: not before it is revoked. */
  until?: number
  session?: Session
}

/** One kind of bearer credential. @returns undefined when it is none of this kind, or proves nobody */
export type Way = (bearer: string) => Promise<Proven | undefined>
