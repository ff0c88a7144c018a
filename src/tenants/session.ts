/** A browser's session: its cookie, its token, and what follows from the token. Pure. */
import { createHash, createHmac, randomBytes } from 'node:crypto'

/** The prefix pins the cookie to this host and to HTTPS; browsers take it only there. */
export const cookieName = (ours: URL): string =>
  ours.protocol === 'https:' ? '__Host-spoke_session' : 'spoke_session'

const attributes = (ours: URL) =>
  `Path=/; HttpOnly; SameSite=Strict${ours.protocol === 'https:' ? '; Secure' : ''}`

/** Without an age: it goes with the browser, and ends here whatever the browser does. */
export const setCookie = (ours: URL, token: string): string =>
  `${cookieName(ours)}=${token}; ${attributes(ours)}`

export const clearCookie = (ours: URL): string => `${cookieName(ours)}=; Max-Age=0; ${attributes(ours)}`

/** 256 random bits behind a prefix by which people and scrubbers know it. */
export const newToken = (): string => `sps_${randomBytes(32).toString('base64url')}`

/** @returns undefined when there is none, one of odd form, or more than one: then somebody else has set one */
export function tokenIn(header: unknown, ours: URL): string | undefined {
  if (typeof header !== 'string') return undefined
  const before = `${cookieName(ours)}=`
  const found = header.split(';').flatMap((pair) => {
    const text = pair.trim()
    return text.startsWith(before) ? [text.slice(before.length)] : []
  })
  const [token] = found
  return found.length === 1 && token !== undefined && /^sps_[\w-]{43}$/.test(token) ? token : undefined
}

/** How a session is found. A plain hash will do: nobody guesses 256 bits. */
export const hashOf = (token: string): string => createHash('sha256').update(token).digest('base64url')

/** What a page must send beside the cookie. It follows from the token, so it is stored nowhere; the token does not follow from it. */
export const csrfOf = (token: string): string =>
  `spc_${createHmac('sha256', token).update('spoke csrf').digest('base64url')}`

/**
 * Ties a session to what made it. Whoever has the database has not the token, so not even a weak admin key can be tried against
 * what is stored.
 */
export const boundTo = (token: string, credential: string): string =>
  createHmac('sha256', token).update(`spoke bound to ${credential}`).digest('base64url')
