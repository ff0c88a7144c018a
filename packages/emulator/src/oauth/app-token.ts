// The token endpoint's third grant: an app asks for itself, by its own secret.
import { unknownScopes } from '../app-tokens.ts'
import type { Call } from '../http/call.ts'
import type { Reply } from '../http/reply.ts'
import { oauthError, readClient } from './form.ts'

/** A token without an account and without a refresh token. */
export function issueAppToken(call: Call, form: URLSearchParams): Reply {
  const app = readClient(call, form)
  const { world } = call
  const scopes = (form.get('scope') ?? '').split(/[\s+]+/).filter((one) => one !== '')
  if (scopes.length === 0 || unknownScopes(world.quirks, app, scopes).length > 0)
    return oauthError('BAD_SCOPES')
  const { token } = world.tokens.ofApps.mint(app, scopes)
  return {
    status: 200,
    json: {
      token_type: 'bearer',
      access_token: token,
      expires_in: world.quirks.access_token_ttl_s,
      token_use: 'client_credentials',
    },
  }
}
