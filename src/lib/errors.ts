/**
 * Errors that a caller can act on: one class, one list of stable codes. Anything else is a bug and
 * results in a 500. Over 200 lines because each code is explained where it is defined.
 */

/**
 * Each code says when it occurs and what to do. `http/route-errors.ts` has the HTTP statuses;
 * `docs/errors.md` is the same list for operators.
 */
export type ErrorCode =
  /**
   * The body, query or path does not match the schema; `errors[].pointer` says where. Fix the
   * request.
   */
  | 'validation_failed'
  /** The body is not JSON (or has a forbidden key such as `__proto__`). Fix the request. */
  | 'invalid_json'
  /** An id in the path is not a UUID. Fix the request. */
  | 'invalid_id'
  /** `after` is not a cursor that this route returned. Start again without it. */
  | 'invalid_cursor'
  /**
   * The query did not end within the time limit. Add a condition that fewer issues meet, or leave out
   * the count.
   */
  | 'query_too_broad'
  /**
   * The changes after the cursor are no longer retained, or the feed is no longer the same. Read
   * the issues again, then continue with `after=now`.
   */
  | 'cursor_gone'
  /** This route does not accept the body's media type. Send application/json. */
  | 'unsupported_media_type'
  /** The body is larger than the route accepts. */
  | 'body_too_large'
  /** The URL or the headers are larger than the server accepts. */
  | 'request_too_large'
  /** The request could not be parsed as HTTP, or took too long to arrive. */
  | 'bad_request'
  /**
   * The Host header names the wrong host: not this machine in open mode, or not SPOKE_PUBLIC_URL's
   * for a session. Use the right one.
   */
  | 'misdirected_request'
  /**
   * No credential, or one that is unknown, revoked or expired. Send `Authorization: Bearer <key or
   * token>`.
   */
  | 'unauthenticated'
  /**
   * The credential is valid but may not do this; the message names what it lacks. Use another one.
   */
  | 'insufficient_scope'
  /**
   * CSRF: a page of another origin made the browser send this, or the page's x-spoke-csrf is not
   * the session's. Get it from GET /api/session.
   */
  | 'forged_request'
  /** No such path. */
  | 'not_found'
  /** The path exists but not with this method; see the Allow header. */
  | 'method_not_allowed'
  /** No such tenant; only the operator gets this. */
  | 'tenant_not_found'
  /** This tenant has no such key. */
  | 'api_key_not_found'
  /**
   * No admin key is configured, so a tenant's key would never be checked. Set SPOKE_ADMIN_KEY
   * first.
   */
  | 'open_mode'
  /** The key is revoked or expired, so it cannot be rotated. Create a new one. */
  | 'api_key_not_active'
  /**
   * This tenant has no such integration (or the tenant does not exist, or the integration is
   * another tenant's). Check both ids.
   */
  | 'integration_not_found'
  /** This tenant has no such issue. */
  | 'issue_not_found'
  /** This tenant has no such endpoint. */
  | 'endpoint_not_found'
  /** This endpoint has no such delivery. */
  | 'delivery_not_found'
  /** The tenant has the maximum number of endpoints. Delete one. */
  | 'too_many_endpoints'
  /** This integration has no such run. */
  | 'sync_event_not_found'
  /** The integration is pending or disconnected. Connect it first. */
  | 'integration_not_connected'
  /**
   * The tenant is being erased and cannot be created again until that is done. Retry after
   * Retry-After.
   */
  | 'tenant_erasing'
  /** This Idempotency-Key was used for a different request. Use a new key. */
  | 'idempotency_mismatch'
  /** The request with this Idempotency-Key is still in progress. Retry after Retry-After. */
  | 'idempotency_in_progress'
  /** HubSpot refuses the token. Normal after an uninstall or a revoked token: reconnect. */
  | 'token_invalid'
  /** The token lacks a scope Spoke needs; `errors[]` names it. Grant it and reconnect. */
  | 'missing_scopes'
  /**
   * HubSpot refuses the account, the app or the user, but not because of a scope. The message has
   * HubSpot's reason. Contact HubSpot.
   */
  | 'hubspot_forbidden'
  /** HubSpot cannot be reached, returns 5xx or is too slow. Retry after Retry-After. */
  | 'hubspot_unavailable'
  /** HubSpot's limit is exhausted for longer than a request may wait. Retry after Retry-After. */
  | 'hubspot_limit'
  /** A reconnect returned a different HubSpot account from the one whose data is stored. */
  | 'hub_changed'
  /**
   * The OAuth state or the browser's confirmation is invalid, used, expired or another caller's.
   * Start again at authorize.
   */
  | 'invalid_state'
  /** HubSpot rejects the authorisation code (used or expired). Start again at authorize. */
  | 'oauth_code_rejected'
  /** The user declined on HubSpot's page. */
  | 'oauth_denied'
  /**
   * HUBSPOT_CLIENT_ID, _SECRET or _REDIRECT_URI is missing or refused by HubSpot. The operator must
   * fix it.
   */
  | 'oauth_not_configured'
  /**
   * A webhook without a fresh signature of HubSpot's (version 3) over its bytes. Normal for any
   * caller other than HubSpot.
   */
  | 'invalid_signature'
  /**
   * HUBSPOT_APP_ID or the app's client secret is missing, so webhooks cannot be authenticated. The
   * operator must fix it.
   */
  | 'webhooks_not_configured'
  /**
   * The caller made too many requests in a minute, or has too many open. Retry after Retry-After.
   */
  | 'rate_limited'
  /** The service is at its limit of concurrent work; nothing was done. Retry after Retry-After. */
  | 'overloaded'
  /**
   * The database's disk is full, or has less room than SPOKE_MIN_FREE_DISK; nothing was done. Free
   * space, then retry after Retry-After.
   */
  | 'disk_full'
  /**
   * The service is stopping, or its database or the identity provider cannot be reached. Retry
   * shortly.
   */
  | 'unavailable'

/** An error that a route declares. `422 token_invalid`: with a status other than the usual one. */
export type RouteError = ErrorCode | `${number} ${ErrorCode}`

export interface ErrorDetail {
  /** JSON pointer into the body, or a slash and the name of the query or path parameter. */
  pointer: string
  /** The name of the query parameter, if the error is in one. */
  parameter?: string
  /** The rule that was broken, in words; never the value that was sent. */
  rule: string
}

export class AppError extends Error {
  override name = 'AppError' as const
  readonly code: ErrorCode
  readonly details: ErrorDetail[] | undefined
  /** Seconds after which to retry; becomes Retry-After. */
  readonly retryAfter: number | undefined
  /**
   * Only where one code has two statuses by contract (a refused token: 422 at connect, 409 later).
   */
  readonly status: number | undefined

  constructor(
    code: ErrorCode,
    message: string,
    options: { cause?: unknown; details?: ErrorDetail[]; retryAfter?: number; status?: number } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.code = code
    this.details = options.details
    this.retryAfter = options.retryAfter
    this.status = options.status
  }
}

/** Sentences that the specification prescribes. */
export const sentences = {
  token_invalid: 'Invalid or expired access token',
  integration_not_found: 'Integration not found',
  hubspot_unavailable: 'HubSpot connection failed',
} as const

export const integrationNotFound = () =>
  new AppError('integration_not_found', sentences.integration_not_found)

export const tenantNotFound = () => new AppError('tenant_not_found', 'Tenant not found')

/**
 * For work in a tenant that is being erased. Routes that create tenants return this error; all
 * others report that the tenant does not exist.
 */
export const tenantErasing = () =>
  new AppError('tenant_erasing', 'The tenant is being erased', { retryAfter: 10 })

export const isTenantErasing = (error: unknown): boolean =>
  error instanceof AppError && error.code === 'tenant_erasing'

export const diskFull = (cause?: unknown) =>
  new AppError('disk_full', 'The database disk is full, so nothing can be stored', {
    cause,
    retryAfter: 30,
  })

/**
 * @param status 422 while connecting (the caller sent the token), 409 afterwards (our stored token
 * is stale)
 */
export const tokenInvalid = (cause?: unknown, status: 409 | 422 = 409) =>
  new AppError('token_invalid', sentences.token_invalid, { cause, status })
