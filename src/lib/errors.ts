/** Errors that a caller can act on: one class, one list of stable codes. Everything else is a bug and answers 500. */

/**
 * Each code says when it is normal and what to do. HTTP statuses live in `http/error-reply.ts`;
 * `docs/errors.md` is the same list for operators.
 */
export type ErrorCode =
  /** The body, query or path does not fit the schema; `errors[].pointer` says where. Mend the request. */
  | 'validation_failed'
  /** The body is not JSON (or holds a forbidden key such as `__proto__`). Mend the request. */
  | 'invalid_json'
  /** An id in the path is not a UUID. Mend the request. */
  | 'invalid_id'
  /** `after` is not a cursor that this route gave out. Start again without it. */
  | 'invalid_cursor'
  /** What came after the cursor is not kept any more, or is not what it was. Read the issues again, and go on from `after=now`. */
  | 'cursor_gone'
  /** The body is of a media type that this route does not take. Send application/json. */
  | 'unsupported_media_type'
  /** The body is larger than the route takes. */
  | 'body_too_large'
  /** The URL or the headers are larger than the server takes. */
  | 'request_too_large'
  /** The request could not be parsed as HTTP, or took too long to arrive. */
  | 'bad_request'
  /** The Host header names another machine: than this one in open mode, than SPOKE_PUBLIC_URL's for a session. Use the right one. */
  | 'misdirected_request'
  /** No credential, or one that is not known, revoked or over. Send `Authorization: Bearer <key or token>`. */
  | 'unauthenticated'
  /** The credential is known and may not do this; the message names what it lacks. Use another one. */
  | 'insufficient_scope'
  /** A page of another origin made a browser send this, or the page's x-spoke-csrf is not the session's. Ask GET /api/session for it. */
  | 'forged_request'
  /** No such path. */
  | 'not_found'
  /** The path exists, the method does not; see the Allow header. */
  | 'method_not_allowed'
  /** No such tenant; told to the operator only. */
  | 'tenant_not_found'
  /** No such key of this tenant. */
  | 'api_key_not_found'
  /** No admin key is configured, so a tenant's key would be asked for by nobody. Set SPOKE_ADMIN_KEY first. */
  | 'open_mode'
  /** The key is revoked or over, so it cannot be rotated. Make a new one. */
  | 'api_key_not_active'
  /** No such integration for this tenant (or no such tenant, or it is another tenant's). Check both ids. */
  | 'integration_not_found'
  /** No such issue for this tenant. */
  | 'issue_not_found'
  /** No such endpoint for this tenant. */
  | 'endpoint_not_found'
  /** No such delivery to this endpoint. */
  | 'delivery_not_found'
  /** The tenant has as many endpoints as it may. Delete one. */
  | 'too_many_endpoints'
  /** No such run for this integration. */
  | 'sync_event_not_found'
  /** The integration is pending or disconnected. Connect it first. */
  | 'integration_not_connected'
  /** The tenant is being erased, and cannot be made anew before it is gone. Try again after Retry-After. */
  | 'tenant_erasing'
  /** This Idempotency-Key was used for another request. Take a new key. */
  | 'idempotency_mismatch'
  /** The request with this Idempotency-Key is still under way. Try again after Retry-After. */
  | 'idempotency_in_progress'
  /** HubSpot refuses the token. Reconnect: normal after an uninstall or a revoked token. */
  | 'token_invalid'
  /** The token lacks a scope Spoke needs; `errors[]` names it. Grant it and reconnect. */
  | 'missing_scopes'
  /** HubSpot refuses the account, the app or the user for another reason than a scope; the message has HubSpot's word for it. Ask HubSpot. */
  | 'hubspot_forbidden'
  /** HubSpot cannot be reached, answers 5xx or is too slow. Try again after Retry-After. */
  | 'hubspot_unavailable'
  /** HubSpot's limit is used up for longer than a request may wait. Try again after Retry-After. */
  | 'hubspot_limit'
  /** A reconnect came back with another HubSpot account than the one whose data is held. */
  | 'portal_changed'
  /** The OAuth state, or a browser's yes, is forged, used, expired or somebody else's. Start again at authorize. */
  | 'invalid_state'
  /** HubSpot does not take the authorisation code (used, expired). Start again at authorize. */
  | 'oauth_code_rejected'
  /** The person said no on HubSpot's page. */
  | 'oauth_denied'
  /** HUBSPOT_CLIENT_ID, _SECRET or _REDIRECT_URI is missing or refused by HubSpot: an operator's job. */
  | 'oauth_not_configured'
  /** A webhook without a fresh signature of HubSpot's (version 3) over its bytes. Normal for whoever is not HubSpot. */
  | 'invalid_signature'
  /** HUBSPOT_APP_ID or the app's client secret is missing, so no webhook can be proved: an operator's job. */
  | 'webhooks_not_configured'
  /** More was asked in a minute, or held open, than one caller may. Try again after Retry-After. */
  | 'rate_limited'
  /** The service has as much under way as it takes on at once; nothing was done. Try again after Retry-After. */
  | 'overloaded'
  /** The database's disk is full, or has less room than SPOKE_MIN_FREE_DISK; nothing was done. Make room; try again after Retry-After. */
  | 'disk_full'
  /** The service is stopping, or its database or the identity provider is not reachable. Try again shortly. */
  | 'unavailable'

export interface ErrorDetail {
  /** JSON pointer into the body, or the name of the query or path parameter with a leading slash. */
  pointer: string
  /** The name of the query parameter, where one is at fault. */
  parameter?: string
  /** What rule was broken, in words; never the value that was sent. */
  rule: string
}

export class AppError extends Error {
  override name = 'AppError' as const
  readonly code: ErrorCode
  readonly details: ErrorDetail[] | undefined
  /** Seconds after which a new try makes sense; becomes Retry-After. */
  readonly retryAfter: number | undefined
  /** Only where one code has two statuses by contract (a refused token: 422 at connect, 409 later). */
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

/** The specification's own sentences, written once. */
export const sentences = {
  token_invalid: 'Invalid or expired access token',
  integration_not_found: 'Integration not found',
  hubspot_unavailable: 'HubSpot connection failed',
} as const

export const integrationNotFound = () =>
  new AppError('integration_not_found', sentences.integration_not_found)

export const tenantNotFound = () => new AppError('tenant_not_found', 'Tenant not found')

/** Whoever enters a tenant that is being erased. The routes that make tenants say so; for all others it is not there. */
export const tenantErasing = () =>
  new AppError('tenant_erasing', 'The tenant is being erased', { retryAfter: 10 })

export const isTenantErasing = (error: unknown): boolean =>
  error instanceof AppError && error.code === 'tenant_erasing'

export const diskFull = (cause?: unknown) =>
  new AppError('disk_full', 'The disk of the database is full, so nothing can be stored', {
    cause,
    retryAfter: 30,
  })

/** @param status 422 while connecting (the caller sent the token), 409 afterwards (ours is stale). */
export const tokenInvalid = (cause?: unknown, status: 409 | 422 = 409) =>
  new AppError('token_invalid', sentences.token_invalid, { cause, status })
