/** What can go wrong with a call to HubSpot, by kind. Whoever retries or gives up looks at the kind, never at prose. */

export type HubSpotErrorKind =
  /** 429; `policy` says which limit. */
  | 'rate_limited'
  /** 401: the token is expired, revoked or unknown. */
  | 'unauthorized'
  /** 403: a scope is missing; `scopes` names it when HubSpot does. */
  | 'forbidden'
  | 'not_found'
  /** Another 4xx: our request is wrong; never repeated. */
  | 'rejected'
  /** 5xx, 423, 477, connection refused or reset: may pass. `circuit`: not even asked, because lately it failed. */
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
  readonly scopes: readonly string[]
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
      scopes?: readonly string[]
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
    this.scopes = facts.scopes ?? []
    this.circuit = facts.circuit ?? false
    this.clientRefused = facts.clientRefused ?? false
    this.isPage = facts.isPage ?? false
  }
}

/** No wait that HubSpot asks for is longer: its daily limit ends at midnight, a move takes up to a day. */
const dayMs = 86_400_000

const string = (value: unknown): string | undefined => (typeof value === 'string' ? value : undefined)

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
  const category = string(fields.category) ?? string(fields.errorType)
  const seconds = retryAfter !== undefined && /^\d+$/.test(retryAfter) ? Number(retryAfter) : undefined
  const longest = status === 477 || policyOf(fields) === 'daily' ? dayMs : 600_000
  const retryAfterMs = seconds === undefined ? undefined : Math.min(seconds * 1_000, longest)
  const facts = { status, category, retryAfterMs, isPage: body === undefined }
  if (status === 429)
    return new HubSpotError('rate_limited', endpoint, { ...facts, policy: policyOf(fields) })
  if (status === 401) return new HubSpotError('unauthorized', endpoint, facts)
  if (status === 403)
    return new HubSpotError('forbidden', endpoint, { ...facts, scopes: missingScopes(fields) })
  if (status === 404) return new HubSpotError('not_found', endpoint, facts)
  // 477: the account moves between data centres; 423: locked for two seconds; 408: HubSpot's edge gave up.
  if (status >= 500 || status === 477 || status === 423 || status === 408) {
    return new HubSpotError('unavailable', endpoint, facts)
  }
  return new HubSpotError('rejected', endpoint, facts)
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

function missingScopes(fields: Record<string, unknown>): string[] {
  const errors = Array.isArray(fields.errors) ? fields.errors : []
  return errors.flatMap((error: { context?: { requiredGranularScopes?: unknown } } | null) => {
    const scopes = error?.context?.requiredGranularScopes
    return Array.isArray(scopes) ? scopes.filter((scope): scope is string => typeof scope === 'string') : []
  })
}

const deadGrants = new Set([
  'BAD_REFRESH_TOKEN',
  'BAD_HUB',
  'BAD_AUTH_CODE',
  'EXPIRED_AUTH_CODE',
  'BAD_CODE_VERIFIER',
])

/**
 * The token endpoint's error answer. The RFC 6749 `error` counts first, then HubSpot's older `status`; a 4xx that
 * is neither is taken for our configuration, so that one wrong client secret never disconnects every tenant.
 */
export function oauthErrorOf(
  endpoint: string,
  status: number,
  body: unknown,
  retryAfter: string | undefined,
): HubSpotError {
  if (status >= 500 || status === 429 || status === 477) return errorOf(endpoint, status, body, retryAfter)
  const fields = (typeof body === 'object' && body !== null ? body : {}) as Record<string, unknown>
  const error = string(fields.error)
  const category = string(fields.status) ?? error
  const refused =
    error === 'invalid_grant' ||
    (error === 'access_denied' && category === 'BAD_HUB') ||
    (error === undefined && deadGrants.has(category ?? ''))
  const clientRefused =
    error === 'invalid_client' || (error === undefined && category === 'BAD_CLIENT_SECRET')
  const kind = refused ? 'grant_refused' : 'misconfigured'
  return new HubSpotError(kind, endpoint, { status, category, clientRefused })
}
