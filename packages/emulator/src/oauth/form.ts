// OAuth's own request form and error bodies: RFC 6749's fields beside HubSpot's older ones.
import type { Call } from '../http/call.ts'
import { Refusal, type Reply, refuse } from '../http/reply.ts'
import type { App } from '../token-types.ts'

const ERRORS = {
  BAD_REFRESH_TOKEN: ['invalid_grant', 'refresh token is invalid, expired or revoked'],
  BAD_AUTH_CODE: ['invalid_grant', 'missing or unknown auth code'],
  BAD_HUB: ['access_denied', 'missing or unknown hub id'],
  BAD_CLIENT_ID: ['invalid_client', 'missing or unknown client id'],
  BAD_CLIENT_SECRET: ['invalid_client', 'missing or invalid client secret'],
  BAD_REDIRECT_URI: ['invalid_request', 'missing or invalid redirect uri'],
  BAD_GRANT_TYPE: ['unsupported_grant_type', 'missing or unknown grant type'],
  BAD_CODE_VERIFIER: ['invalid_grant', 'missing or invalid code verifier'],
  BAD_SCOPES: ['invalid_scope', 'missing or invalid scopes'],
  BAD_TOKEN: ['invalid_request', 'missing token'],
} as const

export type OAuthError = keyof typeof ERRORS

export function oauthError(status: OAuthError): Reply {
  const [error, text] = ERRORS[status]
  return { status: 400, json: { error, error_description: text, status, message: text, correlationId: '' } }
}

export function refuseOAuth(status: OAuthError): never {
  throw new Refusal(oauthError(status))
}

// As recorded: in the older shape, without RFC 6749's `error`.
export function refuseOtherApp(): never {
  const status = 'MISMATCH_REFRESH_TOKEN_CLIENT'
  throw new Refusal({
    status: 400,
    json: { status, message: 'refresh token and client id do not match', correlationId: '' },
  })
}

// Only the form is read: neither JSON nor the query.
export function readForm(call: Call): URLSearchParams {
  const type = call.headers['content-type']
  if (typeof type !== 'string' || !/^application\/x-www-form-urlencoded\b/i.test(type)) {
    refuse(415, 'HTTP 415 Unsupported Media Type')
  }
  return new URLSearchParams(call.body.toString('utf8'))
}

export function readClient(call: Call, form: URLSearchParams): App {
  const app = call.world.tokens.apps.get(form.get('client_id') ?? '') ?? refuseOAuth('BAD_CLIENT_ID')
  if (form.get('client_secret') !== app.client_secret) refuseOAuth('BAD_CLIENT_SECRET')
  return app
}
