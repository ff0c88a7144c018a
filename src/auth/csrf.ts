/** CSRF protection: refuses requests that a foreign page made a browser send. Pure. */
import { createHash, timingSafeEqual } from 'node:crypto'
import { AppError } from '../lib/errors.ts'
import type { AuthRequest } from './auth-context.ts'

const csrfError = (message: string) => new AppError('forged_request', message)

const digest = (text: string) => createHash('sha256').update(text).digest()
const isSameSecret = (given: unknown, expected: string) =>
  typeof given === 'string' && timingSafeEqual(digest(given), digest(expected))

/** The host of a Host header, without the scheme's default port. */
function hostWithoutDefaultPort(scheme: string, host: unknown): string | undefined {
  const url = `${scheme}//${host}`
  return typeof host === 'string' && /^[\w.:[\]-]+$/.test(host) && URL.canParse(url)
    ? new URL(url).host
    : undefined
}

/**
 * A browser sends the cookie with any request, so the request must show that one of our own pages
 * sent it. The host is checked first: a page reached under another host name (DNS rebinding) is not
 * ours, whatever else it shows.
 *
 * @param ours where browsers reach us
 * @param csrf what only one of our pages can read
 * @throws AppError misdirected_request | forged_request
 */
export function requireCsrfToken({ method, headers }: AuthRequest, ours: URL, csrf: string): void {
  requireOwnHost(headers, ours)
  const site = headers['sec-fetch-site']
  if (method === 'GET' || method === 'HEAD') {
    // `none`: typed, or from a bookmark. On loopback every port is the same site.
    if (site !== undefined && site !== 'same-origin' && site !== 'none')
      throw csrfError('A page of another origin sent this request')
    return
  }
  const isSameOrigin = site === undefined ? headers.origin === ours.origin : site === 'same-origin'
  if (!isSameOrigin) throw csrfError('A request with a session must come from a page of SPOKE_PUBLIC_URL')
  if (!isSameSecret(headers['x-spoke-csrf'], csrf))
    throw csrfError('The x-spoke-csrf header is missing or does not match this session')
}

/** @throws AppError misdirected_request */
export function requireOwnHost(headers: AuthRequest['headers'], ours: URL): void {
  if (hostWithoutDefaultPort(ours.protocol, headers.host) !== ours.host)
    throw new AppError('misdirected_request', 'Sessions work only at the host of SPOKE_PUBLIC_URL')
}

/**
 * In open mode access to this machine is the credential, and any page in its browser has that: a
 * page of another site, or of another port of this machine, which browsers treat as the same site.
 * A browser reports the page's origin in `Sec-Fetch-Site` or, for anything but a plain GET, in
 * `Origin`. A page can remove neither, and programs send none. Reads are refused too, because a GET
 * may have an effect (authorize).
 *
 * @throws AppError forged_request
 */
export function requireSameOrigin({ headers }: AuthRequest): void {
  const site = headers['sec-fetch-site']
  // `none`: typed, or from a bookmark.
  const foreign =
    site === undefined
      ? isForeignOrigin(headers.origin, headers.host)
      : site !== 'same-origin' && site !== 'none'
  if (foreign) throw csrfError('A page of another origin sent this request')
}

/** Also true for `null`: a page without its own origin, such as a file or a sandboxed frame. */
function isForeignOrigin(origin: unknown, host: unknown): boolean {
  if (origin === undefined) return false
  const url = typeof origin === 'string' && URL.canParse(origin) ? new URL(origin) : undefined
  return (
    url === undefined ||
    !/^https?:$/.test(url.protocol) ||
    url.host !== hostWithoutDefaultPort(url.protocol, host)
  )
}
