/** What can go wrong with a call to HubSpot, by kind. Whoever retries or gives up looks at the kind, never at prose. */
import { type MissingScopes, readMissingScopes } from './missing-scopes.ts'

export type HubSpotErrorKind =
  /** 429; `policy` says which limit. */
  | 'rate_limited'
  /** 401: the token is expired, revoked or unknown. */
  | 'unauthorized'
  /** 403: `missing` when it is about scopes; else HubSpot refuses for a reason of its own (`category`), which may pass. */
  | 'forbidden'
  | 'not_found'
  /** Another 4xx: our request is wrong; never repeated. */
  | 'rejected'
  /**
   * 5xx, 423, 477, connection refused or reset, a 401 or 403 that is a page of HubSpot's edge, and what the token endpoint says
   * that nobody knows: may pass. `circuit`: not even asked, because lately it failed.
   */
  | 'unavailable'
  /** The total deadline passed, at whatever phase. */
  | 'timeout'
  /** 2xx, but not the API's shape: HTML, cut JSON, a missing field. */
  | 'invalid'
  /** The answer was longer than we take: asked for fewer records, HubSpot gives a shorter one. */
  | 'too_large'
  /** The token endpoint refuses the grant for good (revoked, uninstalled, portal gone, code used). */
  | 'grant_refused'
  /** The token endpoint refuses our client id, secret or redirect URI: an operator's fault, no tenant's. */
  | 'misconfigured'

export type RateLimitPolicy = 'ten_secondly' | 'secondly' | 'daily' | 'unknown'

export class HubSpotError extends Error {
  override name = 'HubSpotError' as const
  readonly kind: HubSpotErrorKind
  readonly endpoint: string
  readonly status: number | undefined
  /** HubSpot's own `category` or OAuth `status`: an enumeration of theirs, fit for a log. */
  readonly category: string | undefined
  readonly policy: RateLimitPolicy | undefined
  /** What HubSpot asked to wait, ms. */
  readonly retryAfterMs: number | undefined
  /** Of a 403 about scopes. */
  readonly missing: MissingScopes | undefined
  /** Of such a 403: words of its text, among which may be the property that it is about. */
  readonly words: ReadonlySet<string>
  /** True when no call was made, because too many before it had failed: nothing new is known. */
  readonly circuit: boolean
  /** True when HubSpot does not take our client id or secret, and so has not looked at the grant. */
  readonly clientRefused: boolean
  /** True when the answer was no JSON: a page of the edge, or of a server that knows no such path. */
  readonly isPage: boolean

  constructor(
    kind: HubSpotErrorKind,
    endpoint: string,
    facts: {
      status?: number
      category?: string | undefined
      policy?: RateLimitPolicy
      retryAfterMs?: number | undefined
      missing?: MissingScopes | undefined
      words?: ReadonlySet<string>
      circuit?: boolean
      clientRefused?: boolean
      isPage?: boolean
      cause?: unknown
    } = {},
  ) {
    const at = facts.status === undefined ? '' : ` (${facts.status})`
    super(`HubSpot ${endpoint}: ${kind}${at}`, facts.cause === undefined ? undefined : { cause: facts.cause })
    this.kind = kind
    this.endpoint = endpoint
    this.status = facts.status
    this.category = facts.category
    this.policy = facts.policy
    this.retryAfterMs = facts.retryAfterMs
    this.missing = facts.missing
    this.words = facts.words ?? new Set()
    this.circuit = facts.circuit ?? false
    this.clientRefused = facts.clientRefused ?? false
    this.isPage = facts.isPage ?? false
  }
}

/** No wait that HubSpot asks for is longer: its daily limit ends at midnight, a move takes up to a day. */
const dayMs = 86_400_000

const string = (value: unknown): string | undefined => (typeof value === 'string' ? value : undefined)

/** A category of HubSpot's goes into logs and rows: letters alone, so that it can be no token and no text. */
const word = (value: unknown): string | undefined =>
  typeof value === 'string' && /^[A-Za-z_]{1,60}$/.test(value) ? value : undefined

/**
 * HubSpot's error answer as an error of ours. Treats every field of the body as optional, as HubSpot's
 * documentation asks.
 *
 * @param body the parsed JSON, or undefined when it was none
 * @param retryAfter the Retry-After header; HubSpot gives seconds
 */
export function errorOf(
  endpoint: string,
  status: number,
  body: unknown,
  retryAfter: string | undefined,
): HubSpotError {
  const fields = (typeof body === 'object' && body !== null ? body : {}) as Record<string, unknown>
  const category = word(fields.category) ?? word(fields.errorType)
  const seconds = retryAfter !== undefined && /^\d+$/.test(retryAfter) ? Number(retryAfter) : undefined
  const longest = status === 477 || policyOf(fields) === 'daily' ? dayMs : 600_000
  const retryAfterMs = seconds === undefined ? undefined : Math.min(seconds * 1_000, longest)
  const isPage = body === undefined
  const facts = { status, category, retryAfterMs, isPage }
  // HubSpot refuses a token or a right in JSON. A page comes from the edge, and says nothing about either.
  if (isPage && (status === 401 || status === 403)) return new HubSpotError('unavailable', endpoint, facts)
  if (status === 429)
    return new HubSpotError('rate_limited', endpoint, { ...facts, policy: policyOf(fields) })
  if (status === 401) return new HubSpotError('unauthorized', endpoint, facts)
  if (status === 403) {
    const missing = readMissingScopes(fields)
    const aboutScopes = category === 'MISSING_SCOPES' || missing.names.length > 0
    if (!aboutScopes) return new HubSpotError('forbidden', endpoint, facts)
    return new HubSpotError('forbidden', endpoint, { ...facts, missing, words: wordsOf(fields) })
  }
  if (status === 404) return new HubSpotError('not_found', endpoint, facts)
  // 477: the account moves between data centres; 423: locked for two seconds; 408: HubSpot's edge gave up.
  if (status >= 500 || status === 477 || status === 423 || status === 408) {
    return new HubSpotError('unavailable', endpoint, facts)
  }
  return new HubSpotError('rejected', endpoint, facts)
}

/** Whatever could be a property's name; compared with names of ours, and never shown. */
function wordsOf(fields: Record<string, unknown>): Set<string> {
  const text = JSON.stringify([fields.message, fields.context, fields.errors]).slice(0, 10_000)
  return new Set(text.match(/[a-z][a-z0-9_]{0,99}/g))
}

function policyOf(fields: Record<string, unknown>): RateLimitPolicy {
  const policy = string(fields.policyName)?.toUpperCase() ?? ''
  if (policy.startsWith('TEN_SECONDLY')) return 'ten_secondly'
  if (policy === 'SECONDLY') return 'secondly'
  if (policy === 'DAILY') return 'daily'
  // One of HubSpot's 429 shapes has no policyName, only the sentence; it is the one place to look at words.
  const words = string(fields.message)?.toLowerCase() ?? ''
  if (words.includes('daily')) return 'daily'
  if (words.includes('ten_secondly')) return 'ten_secondly'
  return words.includes('secondly') ? 'secondly' : 'unknown'
}

const deadGrants = new Set([
  'BAD_REFRESH_TOKEN',
  'BAD_HUB',
  'BAD_AUTH_CODE',
  'EXPIRED_AUTH_CODE',
  'BAD_CODE_VERIFIER',
])

/** What HubSpot calls a wrong client id or secret; before 2026 without RFC 6749's `invalid_client`. */
const refusedClients = new Set(['BAD_CLIENT_ID', 'BAD_CLIENT_SECRET'])

/** Other faults of our configuration, by RFC 6749's name or HubSpot's older one. */
const badRequests = new Set([
  'invalid_request',
  'unauthorized_client',
  'unsupported_grant_type',
  'invalid_scope',
  'BAD_REDIRECT_URI',
  'BAD_GRANT_TYPE',
  'BAD_SCOPES',
])

/** A refresh token that another app was given: HubSpot's only word for it is this one, without an `error`. */
export const otherAppsToken = 'MISMATCH_REFRESH_TOKEN_CLIENT'

/**
 * The token endpoint's error answer. The RFC 6749 `error` counts first, then HubSpot's older `status`. Only what is named is
 * the grant's fault or our configuration's: a page, a notice of a migration, a 404 and whatever else nobody knows may pass, so that
 * it neither disconnects a tenant nor sends an operator after a client secret that is right.
 */
export function oauthErrorOf(
  endpoint: string,
  status: number,
  body: unknown,
  retryAfter: string | undefined,
): HubSpotError {
  const general = errorOf(endpoint, status, body, retryAfter)
  if (general.kind === 'unavailable' || general.kind === 'rate_limited') return general
  const fields = (typeof body === 'object' && body !== null ? body : {}) as Record<string, unknown>
  const error = word(fields.error)
  const category = word(fields.status) ?? error ?? general.category
  const facts = { status, category, retryAfterMs: general.retryAfterMs, isPage: general.isPage }
  if (error === 'invalid_client' || (error === undefined && refusedClients.has(category ?? '')))
    return new HubSpotError('misconfigured', endpoint, { ...facts, clientRefused: true })
  const refused =
    error === 'invalid_grant' ||
    category === otherAppsToken ||
    (error === 'access_denied' && category === 'BAD_HUB') ||
    (error === undefined && deadGrants.has(category ?? ''))
  if (refused) return new HubSpotError('grant_refused', endpoint, facts)
  if (badRequests.has(error ?? category ?? '')) return new HubSpotError('misconfigured', endpoint, facts)
  return new HubSpotError('unavailable', endpoint, facts)
}
