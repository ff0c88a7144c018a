/** Browser sessions: made with a credential, carried by a cookie, ended on the server. */
import { type Principal, principalName, scopes } from '../api/principal.ts'
import { createBatchReader } from '../db/batch-reader.ts'
import type { Database } from '../db/database.ts'
import { withSystem, withSystemStatement } from '../db/scope.ts'
import { AppError } from '../lib/errors.ts'
import type { Log } from '../lib/log.ts'
import type { KeyRing } from '../lib/seal.ts'
import type { Secret } from '../lib/secret.ts'
import type { AuthContext, AuthRequest, SessionContext } from './auth-context.ts'
import { isCredentialValid } from './credential.ts'
import { requireCsrfToken, requireOwnHost } from './csrf.ts'
import {
  csrfTokenOf,
  isSessionBindingValid,
  newSessionToken,
  sessionBinding,
  sessionHash,
  sessionTokenIn,
  setSessionCookie,
} from './session.ts'
import {
  deleteEndedSessions,
  deleteSession,
  findSessions,
  insertSession,
  newSessionExpiry,
  recordSessionUse,
  type SessionRow,
} from './session-store.ts'

export interface SessionDependencies {
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
  begin(request: AuthRequest, context: AuthContext): Promise<{ session: SessionContext; cookie: string }>
  /**
   * Authenticates by the cookie.
   *
   * @throws AppError forged_request | misdirected_request
   */
  find(request: AuthRequest): Promise<AuthContext | undefined>
  /** @returns whether there was a session to end */
  end(request: AuthRequest): Promise<boolean>
  /** Where browsers reach us; cookies are made for it. */
  readonly ours: URL
}

export function createSessions({
  db,
  ring,
  log,
  adminKey,
  provider,
  publicUrl,
}: SessionDependencies): Sessions {
  const ours = new URL(publicUrl)
  const readSession = createBatchReader(async (hashes) => {
    const rows = await withSystemStatement(db, (scope) => findSessions(scope, hashes))
    return new Map(rows.map((row) => [row.token_hash, row]))
  })

  /**
   * The configured credential that a session depends on; undefined: made with a tenant's key, whose
   * row can be checked.
   */
  const credentialOf = (madeBy: string): string | undefined =>
    madeBy === 'admin' ? adminKey?.reveal() : madeBy.startsWith('jwt:') ? provider : undefined

  const isValid = async (token: string, row: SessionRow): Promise<boolean> =>
    isSessionBindingValid(row.binding, ring, token, row, credentialOf(row.created_by)) &&
    (await withSystemStatement(db, (scope) => isCredentialValid(scope, row.created_by)))

  async function begin(request: AuthRequest, { principal, until, session: carried }: AuthContext) {
    if (carried)
      throw new AppError('unauthenticated', 'A session cannot create another session; use a key or a token')
    requireOwnHost(request.headers, ours)
    const token = newSessionToken()
    const old = sessionTokenIn(request.headers.cookie, ours)
    const madeBy = principalName(principal)
    const expiresAt = await withSystem(db, async (scope) => {
      await deleteEndedSessions(scope)
      if (old) await deleteSession(scope, sessionHash(old))
      const rights = {
        tenant_id: principal.kind === 'tenant' ? principal.tenantId : null,
        scopes: principal.kind === 'tenant' ? principal.scopes : scopes,
        created_by: madeBy,
        expires_at: await newSessionExpiry(scope, until),
      }
      const made = await insertSession(scope, {
        ...rights,
        token_hash: sessionHash(token),
        binding: sessionBinding(ring, token, rights, credentialOf(madeBy)),
      })
      return made ? rights.expires_at : undefined
    })
    if (!expiresAt) throw new AppError('unauthenticated', 'This credential is no longer valid')
    return { session: sessionOf(token, expiresAt), cookie: setSessionCookie(ours, token) }
  }

  async function find(request: AuthRequest): Promise<AuthContext | undefined> {
    const token = sessionTokenIn(request.headers.cookie, ours)
    if (!token) return undefined
    // Checked before the use is recorded, so that a foreign page cannot keep the session alive.
    requireCsrfToken(request, ours, csrfTokenOf(token))
    const row = await readSession(sessionHash(token))
    if (!row || !(await isValid(token, row))) return undefined
    // In its own transaction, because it may fail: a read-only database can still authenticate.
    if (row.unnoted)
      await withSystem(db, (scope) => recordSessionUse(scope, sessionHash(token))).catch((err: unknown) =>
        log.warn({ err }, 'the last use of a session could not be recorded'),
      )
    return { principal: principalOf(row), session: sessionOf(token, row.expires_at) }
  }

  async function end({ headers }: AuthRequest): Promise<boolean> {
    const token = sessionTokenIn(headers.cookie, ours)
    return token !== undefined && (await withSystem(db, (scope) => deleteSession(scope, sessionHash(token))))
  }

  return { begin, find, end, ours }
}

const sessionOf = (token: string, expiresAt: Date): SessionContext => ({
  tokenHash: sessionHash(token),
  csrf: csrfTokenOf(token),
  expiresAt,
})

const principalOf = ({ tenant_id: tenantId, scopes, created_by: by }: SessionRow): Principal =>
  tenantId === null ? { kind: 'admin' } : { kind: 'tenant', tenantId, scopes, by }
