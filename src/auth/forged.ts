/** Requests that a page of somebody else made a browser send. Pure. */
import { createHash, timingSafeEqual } from 'node:crypto'
import { AppError } from '../lib/errors.ts'
import type { Asked } from './proven.ts'

const forged = (message: string) => new AppError('forged_request', message)

const digest = (text: string) => createHash('sha256').update(text).digest()
const same = (given: unknown, expected: string) =>
  typeof given === 'string' && timingSafeEqual(digest(given), digest(expected))

/** The host of a Host header, without a port that its scheme has anyway. */
function hostOf(scheme: string, host: unknown): string | undefined {
  const url = `${scheme}//${host}`
  return typeof host === 'string' && /^[\w.:[\]-]+$/.test(host) && URL.canParse(url)
    ? new URL(url).host
    : undefined
}

/**
 * A cookie goes along with whatever a browser is made to send, so such a request must show that a page of ours sent it. The
 * host comes first: a page that was reached by another name (a rebound one) is not ours, whatever else it shows.
 *
 * @param ours where browsers reach us
 * @param csrf what only a page of ours can read
 * @throws AppError misdirected_request | forged_request
 */
export function refuseForged({ method, headers }: Asked, ours: URL, csrf: string): void {
  refuseOtherHost(headers, ours)
  const site = headers['sec-fetch-site']
  if (method === 'GET' || method === 'HEAD') {
    // `none`: typed, or from a bookmark. On loopback every port is the same site.
    if (site !== undefined && site !== 'same-origin' && site !== 'none')
      throw forged('A page of another origin asks with this session')
    return
  }
  const fromUs = site === undefined ? headers.origin === ours.origin : site === 'same-origin'
  if (!fromUs) throw forged('This session is used from another origin, or by no page at all')
  if (!same(headers['x-spoke-csrf'], csrf))
    throw forged('The header x-spoke-csrf is missing or not this session’s')
}

/** @throws AppError misdirected_request */
export function refuseOtherHost(headers: Asked['headers'], ours: URL): void {
  if (hostOf(ours.protocol, headers.host) !== ours.host)
    throw new AppError('misdirected_request', 'Sessions are good only at the host of SPOKE_PUBLIC_URL')
}

/**
 * In open mode being on this machine is the credential, and any page in its browser has that: one of another site, and one of another
 * port of this machine, which browsers call the same site. A browser says where the page stood by `Sec-Fetch-Site`, or, for what is
 * no plain GET, by `Origin`; a page can drop neither, and programs send none. Reading is refused alike, since a GET may have an effect
 * (authorize).
 *
 * @throws AppError forged_request
 */
export function refuseForeignPage({ headers }: Asked): void {
  const site = headers['sec-fetch-site']
  // `none`: typed, or from a bookmark.
  const foreign =
    site === undefined ? isForeign(headers.origin, headers.host) : site !== 'same-origin' && site !== 'none'
  if (foreign) throw forged('A page of another origin asks')
}

/** `null` too: a page without an origin of its own, such as a file or a sandboxed frame. */
function isForeign(origin: unknown, host: unknown): boolean {
  if (origin === undefined) return false
  const url = typeof origin === 'string' && URL.canParse(origin) ? new URL(origin) : undefined
  return url === undefined || !/^https?:$/.test(url.protocol) || url.host !== hostOf(url.protocol, host)
}
