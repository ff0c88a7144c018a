/**
 * Classifies failed HubSpot calls by kind: code that retries or gives up checks the kind, never the
 * message. Over 200 lines because all error responses are classified here.
 */
import { type MissingScopes, readMissingScopes } from './missing-scopes.ts'

export type HubSpotErrorKind =
  /** 429; `policy` says which limit. */
  | 'rate_limited'
  /** 401: the token is expired, revoked or unknown. */
  | 'unauthorized'
  /**
   * 403. With `missing`, scopes are missing; otherwise HubSpot has another reason (`category`),
   * which may be temporary.
   */
  | 'forbidden'
  | 'not_found'
  /** Another 4xx: our request is wrong; never repeated. */
  | 'rejected'
  /**
   * Temporary: 5xx, 408, 423, 477, connection refused or reset, a 401 or 403 that is a page of
   * HubSpot's edge, or an unknown response of the token endpoint. `circuit`: not sent at all,
   * because recent calls failed.
   */
  | 'unavailable'
  /** The total deadline passed, in any phase. */
  | 'timeout'
  /** 2xx, but not the API's shape: HTML, cut JSON, a missing field. */
  | 'invalid'
  /** The response exceeded our limit. Requesting fewer records makes it shorter. */
  | 'too_large'
  /**
   * The token endpoint refuses the grant permanently (revoked, uninstalled, account gone, code
   * used).
   */
  | 'grant_refused'
  /**
   * The token endpoint refuses our client id, secret or redirect URI: the operator must fix it, not
   * a tenant.
   */
  | 'misconfigured'

export type RateLimitPolicy = 'ten_secondly' | 'secondly' | 'daily' | 'unknown'

export class HubSpotError extends Error {
  override name = 'HubSpotError' as const
  readonly kind: HubSpotErrorKind
  readonly endpoint: string
  readonly status: number | undefined
  /** HubSpot's own `category` or OAuth `status`: an enumeration, safe to log. */
  readonly category: string | undefined
  readonly policy: RateLimitPolicy | undefined
  /** The wait that HubSpot requested, ms. */
  readonly retryAfterMs: number | undefined
  /** Set for a 403 about scopes. */
  readonly missing: MissingScopes | undefined
  /** For such a 403: the words of its text, which may include the property concerned. */
  readonly words: ReadonlySet<string>
  /**
   * True when the call was not sent, because too many calls before it failed: nothing new is known.
   */
  readonly circuit: boolean
  /** True when HubSpot refuses our client id or secret, and so has not checked the grant. */
  readonly clientRefused: boolean
  /**
   * True when the response was not JSON: a page of the edge, or of a server that does not know the
   * path.
   */
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

/**
 * The longest wait accepted from HubSpot: its daily limit ends at midnight, and a move takes up to
 * a day.
 */
const dayMs = 86_400_000

const string = (value: unknown): string | undefined => (typeof value === 'string' ? value : undefined)

/**
 * HubSpot's categories go into logs and rows: only letters are accepted, so that no token or text
 * gets in.
 */
const word = (value: unknown): string | undefined =>
  typeof value === 'string' && /^[A-Za-z_]{1,60}$/.test(value) ? value : undefined

/**
 * Converts HubSpot's error response. Treats every field of the body as optional, as HubSpot's
 * documentation asks.
 *
 * @param body the parsed JSON, or undefined when it was not JSON
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
  // HubSpot refuses a token or a permission in JSON. A page comes from the edge, and says nothing
  // about either.
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
  // 477: the account is moving between data centres; 423: locked for two seconds; 408: HubSpot's
  // edge timed out.
  if (status >= 500 || status === 477 || status === 423 || status === 408) {
    return new HubSpotError('unavailable', endpoint, facts)
  }
  return new HubSpotError('rejected', endpoint, facts)
}

/** Every word that could be a property name; compared with our names, and never shown. */
function wordsOf(fields: Record<string, unknown>): Set<string> {
  const text = JSON.stringify([fields.message, fields.context, fields.errors]).slice(0, 10_000)
  return new Set(text.match(/[a-z][a-z0-9_]{0,99}/g))
}

function policyOf(fields: Record<string, unknown>): RateLimitPolicy {
  const policy = string(fields.policyName)?.toUpperCase() ?? ''
  if (policy.startsWith('TEN_SECONDLY')) return 'ten_secondly'
  if (policy === 'SECONDLY') return 'secondly'
  if (policy === 'DAILY') return 'daily'
  // One of HubSpot's 429 shapes has no policyName, only the sentence; nowhere else is the wording
  // checked.
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

/**
 * HubSpot's names for a wrong client id or secret; before 2026 without RFC 6749's `invalid_client`.
 */
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

/**
 * A refresh token that was issued to another app. HubSpot reports it only with this status, without
 * an `error`.
 */
export const tokenOfAnotherApp = 'MISMATCH_REFRESH_TOKEN_CLIENT'

/**
 * Converts the token endpoint's error response. The RFC 6749 `error` takes precedence over
 * HubSpot's older `status`. Only the errors listed here count as faults of the grant or of our
 * configuration. Everything else (a page, a migration notice, a 404, an unknown code) is temporary,
 * so that it neither disconnects a tenant nor makes an operator replace a correct client secret.
 */
export function hubSpotOAuthError(
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
    category === tokenOfAnotherApp ||
    (error === 'access_denied' && category === 'BAD_HUB') ||
    (error === undefined && deadGrants.has(category ?? ''))
  if (refused) return new HubSpotError('grant_refused', endpoint, facts)
  if (badRequests.has(error ?? category ?? '')) return new HubSpotError('misconfigured', endpoint, facts)
  return new HubSpotError('unavailable', endpoint, facts)
}
