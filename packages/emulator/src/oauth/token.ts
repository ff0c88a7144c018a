// The token endpoint: a code or a refresh token becomes an access token.
import { createHash } from 'node:crypto'
import type { Call } from '../http/call.ts'
import type { Reply } from '../http/reply.ts'
import type { App, Code, Grant } from '../token-types.ts'
import { issueAppToken } from './app-token.ts'
import { oauthError, readClient, readForm, refuseOAuth, refuseOtherApp } from './form.ts'

export function issueToken(call: Call): Reply {
  const form = readForm(call)
  // The older endpoint took its fields from the query as well.
  if (call.path.startsWith('/oauth/v1/'))
    for (const [name, value] of call.query) if (!form.has(name)) form.set(name, value)
  const grantType = form.get('grant_type')
  if (grantType === 'client_credentials' && hasAppTokens(call)) return issueAppToken(call, form)
  if (grantType !== 'authorization_code' && grantType !== 'refresh_token') return oauthError('BAD_GRANT_TYPE')
  const app = readClient(call, form)
  const grant = grantType === 'authorization_code' ? redeem(call, app, form) : refresh(call, app, form)
  return answer(call, grant)
}

// One snapshot of HubSpot's specification leaves this grant out of its newest version: a switch.
function hasAppTokens({ world, params }: Call): boolean {
  return world.quirks.client_credentials_versions === 'all' || params.version !== '2026-09'
}

// A code works once, for the redirect URL it was made for, within its short life.
function redeem(call: Call, app: App, form: URLSearchParams): Grant {
  const { world } = call
  const code = world.tokens.codes.get(form.get('code') ?? '')
  if (!code || code.app !== app || code.used || code.expires_at <= world.clock.now())
    return refuseOAuth('BAD_AUTH_CODE')
  if (form.get('redirect_uri') !== code.redirect_uri) return refuseOAuth('BAD_REDIRECT_URI')
  if (code.challenge !== null && !proves(code, form.get('code_verifier')))
    return refuseOAuth('BAD_CODE_VERIFIER')
  const portal = world.portals.get(code.portal_id)
  if (!portal || portal.deleted) return refuseOAuth('BAD_HUB')
  code.used = true
  return world.tokens.authorise(app, portal, code.user_id, code.scopes)
}

function proves(code: Code, verifier: string | null): boolean {
  if (!verifier) return false
  const said =
    code.challenge_method === 'S256' ? createHash('sha256').update(verifier).digest('base64url') : verifier
  return said === code.challenge
}

// Real HubSpot hands the same refresh token back; that it may stay so is nowhere promised, hence an app's three modes.
function refresh(call: Call, app: App, form: URLSearchParams): Grant {
  const { world } = call
  const now = world.clock.now()
  const held = world.tokens.refresh.get(form.get('refresh_token') ?? '')
  if (!held) return refuseOAuth('BAD_REFRESH_TOKEN')
  if (held.grant.app !== app) return refuseOtherApp()
  const { grant } = held
  const portal = world.portals.get(grant.portal_id)
  if (!portal || portal.deleted) return refuseOAuth('BAD_HUB')
  if (held.revoked || !grant.alive) return refuseOAuth('BAD_REFRESH_TOKEN')
  if (held.replaced_at !== null) {
    const inGrace =
      app.refresh === 'rotating_grace' && now - held.replaced_at <= world.quirks.refresh_reuse_grace_ms
    // Within the grace an old token is good for the same successor.
    return inGrace ? grant : refuseOAuth('BAD_REFRESH_TOKEN')
  }
  if (app.refresh !== 'stable') {
    held.replaced_at = now
    world.tokens.addRefresh(grant, portal.hublet)
  }
  return grant
}

function answer(call: Call, grant: Grant): Reply {
  const access = call.world.tokens.mintAccess(grant)
  return {
    status: 200,
    json: {
      token_type: 'bearer',
      access_token: access.token,
      refresh_token: grant.current,
      expires_in: call.world.quirks.access_token_ttl_s,
      hub_id: grant.portal_id,
      scopes: call.world.tokens.effectiveScopes(access, call.world.portals.get(grant.portal_id)),
      user_id: grant.user_id,
      token_use: 'access_token',
    },
  }
}
