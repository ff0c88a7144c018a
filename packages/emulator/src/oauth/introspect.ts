// Looking at tokens: introspection and revocation with the app's credentials, and what is left of the old v1 calls.
import type { Call } from '../http/call.ts'
import { problem, type Reply } from '../http/reply.ts'
import type { Access, App, RefreshToken } from '../token-types.ts'
import { readClient, readForm, refuseOAuth } from './form.ts'
import { issueToken } from './token.ts'

// Unknown, expired, revoked or somebody else's: always 200 and inactive.
export function introspect(call: Call): Reply {
  const form = readForm(call)
  const app = readClient(call, form)
  const { world } = call
  const token = form.get('token') ?? ''
  const access = world.tokens.access.get(token)
  const held = world.tokens.refresh.get(token)
  const inactive: Reply = { status: 200, json: { active: false } }
  // HubSpot's document for 2026-09 promises no more than `active`: a switch.
  const short = call.params.version === '2026-09' && world.quirks.introspect === 'active_only'
  if (access?.grant?.app === app && worksNow(call, access)) {
    return { status: 200, json: short ? { active: true } : describeAccess(call, access, app) }
  }
  if (held?.grant.app === app && refreshable(call, held)) {
    return { status: 200, json: short ? { active: true } : describeRefresh(call, held) }
  }
  return inactive
}

function worksNow(call: Call, access: Access): boolean {
  return !access.refused && (access.expires_at === null || access.expires_at > call.world.clock.now())
}

function refreshable(call: Call, held: RefreshToken): boolean {
  const { quirks, clock } = call.world
  if (held.revoked || !held.grant.alive) return false
  if (held.replaced_at === null) return true
  return (
    held.grant.app.refresh === 'rotating_grace' &&
    clock.now() - held.replaced_at <= quirks.refresh_reuse_grace_ms
  )
}

function person(call: Call, portal_id: number): { user: string; hub_domain: string | null } {
  const portal = call.world.portals.get(portal_id)
  const hub_domain = call.world.quirks.hub_domain_null ? null : (portal?.hub_domain ?? null)
  return { user: portal?.user ?? '', hub_domain }
}

function describeAccess(call: Call, access: Access, app: App): Record<string, unknown> {
  const { world } = call
  const portal = world.portals.get(access.portal_id)
  const scopes = world.tokens.effectiveScopes(access, portal)
  const expiresAt = access.expires_at ?? 0
  return {
    active: true,
    token: access.token,
    ...person(call, access.portal_id),
    scopes,
    signed_access_token: {
      expiresAt,
      scopes: scopes.join(' '),
      hubId: access.portal_id,
      userId: access.user_id,
      appId: access.app_id,
      appInstallId: access.grant?.id ?? '',
      audience: 'hubspot',
      installingUserId: access.user_id,
      signature: 'emulated',
      scopeToScopeGroupPks: '',
      newSignature: 'emulated',
      hublet: portal?.hublet ?? 'na1',
      trialScopes: '',
      trialScopeToScopeGroupPks: '',
      isUserLevel: false,
      isPrivateDistribution: app.distribution === 'private',
      isServiceAccount: false,
    },
    hub_id: access.portal_id,
    client_id: app.client_id,
    app_id: access.app_id,
    expires_in: Math.max(0, Math.floor((expiresAt - world.clock.now()) / 1000)),
    user_id: access.user_id,
    token_type: 'Bearer',
    token_use: 'access_token',
    is_private_distribution: app.distribution === 'private',
  }
}

function describeRefresh(call: Call, held: RefreshToken): Record<string, unknown> {
  const { grant } = held
  return {
    active: true,
    token: held.token,
    ...person(call, grant.portal_id),
    scopes: grant.scopes,
    hub_id: grant.portal_id,
    client_id: grant.app.client_id,
    app_id: grant.app.app_id,
    user_id: grant.user_id,
    token_type: 'Bearer',
    token_use: 'refresh_token',
  }
}

// Ends the refresh token, not the access tokens already handed out; an unknown token is a success too (RFC 7009).
export function revoke(call: Call): Reply {
  const form = readForm(call)
  const app = readClient(call, form)
  const token = form.get('token')
  if (!token) return refuseOAuth('BAD_TOKEN')
  const held = call.world.tokens.refresh.get(token)
  if (held?.grant.app === app) held.revoked = true
  return { status: 200, text: '', contentType: 'application/json;charset=utf-8' }
}

// OAuth v1 answers errors from 2027-02-16 on. What kind of error is not announced; here a 404 in the usual shape.
export function overV1(handle: (call: Call) => Reply): (call: Call) => Reply {
  return (call) => {
    if (call.world.quirks.oauth_v1 === 'alive') return handle(call)
    return problem(404, 'This version of the OAuth API is no longer available. Use /oauth/2026-09/token.', {
      category: 'OBJECT_NOT_FOUND',
    })
  }
}

export const v1Token = overV1(issueToken)

// It needed no client credentials; pasted tokens are not known here.
export const v1AccessInfo = overV1((call) => {
  const access = call.world.tokens.access.get(call.params.token ?? '')
  if (!access?.grant || access.refused)
    return problem(404, 'resource not found', { category: 'OBJECT_NOT_FOUND' })
  if (!worksNow(call, access))
    return problem(400, 'access token is expired', { category: 'EXPIRED_AUTHENTICATION' })
  const {
    active: _active,
    token_use: _use,
    client_id: _client,
    ...rest
  } = describeAccess(call, access, access.grant.app)
  return { status: 200, json: { ...rest, token_type: 'access' } }
})

export const v1RefreshInfo = overV1((call) => {
  const held = call.world.tokens.refresh.get(call.params.token ?? '')
  if (!held || !refreshable(call, held))
    return problem(404, 'resource not found', { category: 'OBJECT_NOT_FOUND' })
  const { active: _active, token_use: _use, ...rest } = describeRefresh(call, held)
  return { status: 200, json: { ...rest, token_type: 'refresh' } }
})

export const v1DeleteRefresh = overV1((call) => {
  const held = call.world.tokens.refresh.get(call.params.token ?? '')
  if (held) held.revoked = true
  return { status: 204 }
})
