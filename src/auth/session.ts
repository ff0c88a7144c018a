/** A browser's session: its cookie, its token, and values derived from the token. Pure. */
import { createHash, createHmac, hkdfSync, randomBytes, timingSafeEqual } from 'node:crypto'
import type { Scope } from '../api/principal.ts'
import type { TenantId } from '../db/tenant-id.ts'
import { type KeyRing, newestKey, type RingKey } from '../lib/seal.ts'

/**
 * The `__Host-` prefix binds the cookie to this host and to HTTPS; browsers accept it only there.
 */
export const sessionCookieName = (ours: URL): string =>
  ours.protocol === 'https:' ? '__Host-spoke_session' : 'spoke_session'

const attributes = (ours: URL) =>
  `Path=/; HttpOnly; SameSite=Strict${ours.protocol === 'https:' ? '; Secure' : ''}`

/**
 * Without Max-Age: the cookie ends with the browser, and the server ends the session in any case.
 */
export const setSessionCookie = (ours: URL, token: string): string =>
  `${sessionCookieName(ours)}=${token}; ${attributes(ours)}`

export const clearSessionCookie = (ours: URL): string =>
  `${sessionCookieName(ours)}=; Max-Age=0; ${attributes(ours)}`

/** 256 random bits with a prefix that people and scrubbers recognize. */
export const newSessionToken = (): string => `sps_${randomBytes(32).toString('base64url')}`

/**
 * @returns undefined when there is no token, a malformed one, or more than one: then another site
 *   has set one
 */
export function sessionTokenIn(header: unknown, ours: URL): string | undefined {
  if (typeof header !== 'string') return undefined
  const before = `${sessionCookieName(ours)}=`
  const found = header.split(';').flatMap((pair) => {
    const text = pair.trim()
    return text.startsWith(before) ? [text.slice(before.length)] : []
  })
  const [token] = found
  return found.length === 1 && token !== undefined && /^sps_[\w-]{43}$/.test(token) ? token : undefined
}

/**
 * The key by which a session is found. A plain hash is enough, because nobody can guess 256 bits.
 */
export const sessionHash = (token: string): string => createHash('sha256').update(token).digest('base64url')

/**
 * What a page must send along with the cookie. It is derived from the token and stored nowhere; the
 * token cannot be derived from it.
 */
export const csrfTokenOf = (token: string): string =>
  `spc_${createHmac('sha256', token).update('spoke csrf').digest('base64url')}`

/** The columns that define what a session gives access to, and until when. */
export interface SessionRights {
  /** null: the operator's. */
  tenant_id: TenantId | null
  scopes: readonly Scope[]
  created_by: string
  expires_at: Date
}

/**
 * The value of `binding`: an HMAC of the session's rights, under a key of the ring. Write access
 * to the database is therefore not enough to make, change or copy a session. The HMAC includes the
 * token, which no row contains, so not even a weak admin key can be guessed from stored data.
 *
 * @param credential the admin key, or the identity provider; undefined: made with a tenant's key,
 *   whose row can be checked
 */
function bindingUnder(
  { key }: RingKey,
  token: string,
  rights: SessionRights,
  credential: string | undefined,
): string {
  const { tenant_id, scopes, created_by, expires_at } = rights
  // A derived key, so that the ring's key has only one use.
  const own = Buffer.from(hkdfSync('sha256', key, '', 'spoke: session', 32))
  const bound = JSON.stringify([
    token,
    tenant_id,
    scopes,
    created_by,
    expires_at.getTime(),
    credential ?? null,
  ])
  return createHmac('sha256', own).update(bound).digest('base64url')
}

/** Under the newest key of the ring. */
export const sessionBinding = (
  ring: KeyRing,
  token: string,
  rights: SessionRights,
  credential: string | undefined,
): string => bindingUnder(newestKey(ring), token, rights, credential)

/** Under any key of the ring: a rotation ends no session before its key leaves the ring. */
export function isSessionBindingValid(
  bound: string,
  ring: KeyRing,
  token: string,
  rights: SessionRights,
  credential: string | undefined,
): boolean {
  const given = Buffer.from(bound)
  return ring.some((key) => {
    const expected = Buffer.from(bindingUnder(key, token, rights, credential))
    return given.length === expected.length && timingSafeEqual(given, expected)
  })
}
