/**
 * Converts a failed HubSpot call into the error for our caller: a stable code and the
 * specification's wording, with no text from HubSpot.
 */
import { toDatabaseAppError } from '../db/database-errors.ts'
import { AppError, sentences, tokenInvalid } from '../lib/errors.ts'
import { HubSpotError } from './hubspot-error.ts'
import { type MissingScopes, scopesSentence } from './missing-scopes.ts'

const hourMs = 3_600_000

const eitherWay = [
  'missing_scopes',
  'hubspot_unavailable',
  '504 hubspot_unavailable',
  'hubspot_limit',
  'oauth_not_configured',
] as const

/** The errors that `asAppError` can return for a failed call: a route that calls HubSpot declares them. */
export const callErrors = ['token_invalid', 'hubspot_forbidden', ...eitherWay] as const
/** The same while connecting. */
export const connectErrors = ['422 token_invalid', '422 hubspot_forbidden', ...eitherWay] as const

/**
 * @param connecting true while a token is being connected: the caller can fix it (422); afterwards
 *   it is ours to fix (409)
 * @returns the same error when it is not a HubSpotError
 */
export function asAppError(error: unknown, connecting = false): unknown {
  if (!(error instanceof HubSpotError)) return error
  const cause = error
  switch (error.kind) {
    case 'unauthorized':
      return tokenInvalid(cause, connecting ? 422 : 409)
    case 'forbidden':
      return error.missing ? missingScopes(error.missing, cause) : forbidden(error, connecting)
    case 'rate_limited': {
      const waitMs =
        error.policy === 'daily' ? (error.retryAfterMs ?? hourMs) : (error.retryAfterMs ?? 10_000)
      const message = 'This HubSpot account has reached its rate limit; try again later'
      return new AppError('hubspot_limit', message, { cause, retryAfter: Math.ceil(waitMs / 1_000) })
    }
    case 'misconfigured':
      return new AppError(
        'oauth_not_configured',
        'HubSpot rejects the OAuth configuration of this service; its operator must correct it',
        { cause },
      )
    case 'timeout':
      return hubspotUnavailable(cause, 504)
    default:
      return hubspotUnavailable(cause, 502)
  }
}

export function missingScopes(missing: MissingScopes, cause?: unknown): AppError {
  const { names, need } = missing
  const rule = (list: readonly string[]) =>
    list.length === 1 ? `needs the scope ${list[0]}` : `needs one of the scopes ${list.join(', ')}`
  const rules = need === 'any' ? [rule(names)] : names.map((name) => rule([name]))
  return new AppError('missing_scopes', scopesSentence(missing), {
    cause,
    ...(names.length > 0 ? { details: rules.map((rule) => ({ pointer: '/access_token', rule })) } : {}),
  })
}

/**
 * HubSpot refuses the account, the app or the user for a reason other than a scope: BANNED,
 * SCOPE_RESTRICTED, TRUST_VIOLATION, …
 */
function forbidden(cause: HubSpotError, connecting: boolean): AppError {
  const why = cause.category === undefined ? '' : ` (${cause.category})`
  return new AppError(
    'hubspot_forbidden',
    `HubSpot denies access for a reason other than a missing scope${why}`,
    { cause, status: connecting ? 422 : 409 },
  )
}

/**
 * The failure's code for logs and rows: our error's, the database's, or `internal` for anything
 * unexpected.
 */
export function appErrorCode(failure: unknown): string {
  const error = asAppError(failure)
  return error instanceof AppError ? error.code : (toDatabaseAppError(error)?.code ?? 'internal')
}

function hubspotUnavailable(cause: HubSpotError, status: 502 | 504): AppError {
  const retryAfter = Math.ceil((cause.retryAfterMs ?? 30_000) / 1_000)
  return new AppError('hubspot_unavailable', sentences.hubspot_unavailable, { cause, retryAfter, status })
}
