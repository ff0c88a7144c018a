/** Browser sessions: made with a credential, carried by a cookie, ended on the server. */
import { nameOf, type Principal, scopes } from '../api/principal.ts'
import type { Database } from '../db/database.ts'
import { type SystemScope, withSystem } from '../db/scope.ts'
import { AppError } from '../lib/errors.ts'
import type { Log } from '../lib/log.ts'
import type { KeyRing } from '../lib/seal.ts'
import type { Secret } from '../lib/secret.ts'
import { credentialStands } from './credential.ts'
import { refuseForged, refuseOtherHost } from './forged.ts'
import type { AuthRequest, Proven, Session } from './proven.ts'
import { boundTo, csrfOf, isBound, newToken, sessionHash, setCookie, tokenIn } from './session.ts'
import {
  deleteEndedSessions,
  deleteSession,
  endOfNew,
  findSession,
  insertSession,
  recordSessionUse,
  type SessionRow,
} from './session-store.ts'

export interface SessionParts {
  db: Database
  ring: KeyRing
  log: Log
  /** Absent: open mode, in which sessions are neither made nor looked up. */
  adminKey: Secret | undefined
  /**
   * The identity provider's configuration in one string; a session made by another provider is
   * refused.
   */
  provider: string | undefined
  /** Where browsers reach us. */
  publicUrl: string
}

export interface Sessions {
  /**
   * Makes a session with the request's credential, and ends the session of its cookie: no session
   * has two logins.
   *
   * @throws AppError unauthenticated when the credential is itself a session, or has just ended;
   *   misdirected_request
   */
  begin(asked: AuthRequest, proven: Proven): Promise<{ session: Session; cookie: string }>
  /**
   * Authenticates by the cookie.
   *
   * @throws AppError forged_request | misdirected_request
   */
  find(asked: AuthRequest): Promise<Proven | undefined>
  /** @returns whether there was a session to end */
  end(asked: AuthRequest): Promise<boolean>
  /** Where browsers reach us; cookies are made for it. */
  readonly ours: URL
}

export function createSessions({ db, ring, log, adminKey, provider, publicUrl }: SessionParts): Sessions {
  const ours = new URL(publicUrl)

  /**
   * The configured credential that a session depends on; undefined: made with a tenant's key, whose
   * row can be checked.
   */
  const credentialOf = (madeBy: string): string | undefined =>
    madeBy === 'admin' ? adminKey?.reveal() : madeBy.startsWith('jwt:') ? provider : undefined

  async function stands(scope: SystemScope, token: string, row: SessionRow): Promise<boolean> {
    return (
      isBound(row.bound_to, ring, token, row, credentialOf(row.made_by)) &&
      (await credentialStands(scope, row.made_by))
    )
  }

  async function begin(asked: AuthRequest, { principal, until, session: carried }: Proven) {
    if (carried)
      throw new AppError('unauthenticated', 'A session cannot begin another session; use a key or a token')
    refuseOtherHost(asked.headers, ours)
    const token = newToken()
    const old = tokenIn(asked.headers.cookie, ours)
    const madeBy = nameOf(principal)
    const expiresAt = await withSystem(db, async (scope) => {
      await deleteEndedSessions(scope)
      if (old) await deleteSession(scope, sessionHash(old))
      const rights = {
        tenant_id: principal.kind === 'tenant' ? principal.tenantId : null,
        scopes: principal.kind === 'tenant' ? principal.scopes : scopes,
        made_by: madeBy,
        expires_at: await endOfNew(scope, until),
      }
      const made = await insertSession(scope, {
        ...rights,
        token_hash: sessionHash(token),
        bound_to: boundTo(ring, token, rights, credentialOf(madeBy)),
      })
      return made ? rights.expires_at : undefined
    })
    if (!expiresAt) throw new AppError('unauthenticated', 'This credential is no longer valid')
    return { session: sessionOf(token, expiresAt), cookie: setCookie(ours, token) }
  }

  async function find(asked: AuthRequest): Promise<Proven | undefined> {
    const token = tokenIn(asked.headers.cookie, ours)
    if (!token) return undefined
    // Checked before the use is recorded, so that a foreign page cannot keep the session alive.
    refuseForged(asked, ours, csrfOf(token))
    const row = await withSystem(db, async (scope) => {
      const found = await findSession(scope, sessionHash(token))
      return found && (await stands(scope, token, found)) ? found : undefined
    })
    if (!row) return undefined
    // In its own transaction, because it may fail: a read-only database can still authenticate.
    if (row.unnoted)
      await withSystem(db, (scope) => recordSessionUse(scope, sessionHash(token))).catch((err: unknown) =>
        log.warn({ err }, 'the last use of a session could not be recorded'),
      )
    return { principal: principalOf(row), session: sessionOf(token, row.expires_at) }
  }

  async function end({ headers }: AuthRequest): Promise<boolean> {
    const token = tokenIn(headers.cookie, ours)
    return token !== undefined && (await withSystem(db, (scope) => deleteSession(scope, sessionHash(token))))
  }

  return { begin, find, end, ours }
}

const sessionOf = (token: string, expiresAt: Date): Session => ({
  tokenHash: sessionHash(token),
  csrf: csrfOf(token),
  expiresAt,
})

const principalOf = ({ tenant_id: tenantId, scopes, made_by: by }: SessionRow): Principal =>
  tenantId === null ? { kind: 'admin' } : { kind: 'tenant', tenantId, scopes, by }
