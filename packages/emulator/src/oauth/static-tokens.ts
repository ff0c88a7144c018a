// Who a pasted token belongs to, and how an app removes itself from an account.
import { type AccountCall, bearer, type Call, jsonBody, missingFields } from '../http/call.ts'
import { credentialsNotFound, problem, type Reply } from '../http/reply.ts'

// Needs no scope. A bearer header is said to be needed in one region and not in another: a switch.
export function tokenInfo(call: Call): Reply {
  const { world } = call
  const body = jsonBody(call)
  if (world.quirks.token_info_needs_bearer && !bearer(call.headers)) return credentialsNotFound()
  const key = body.tokenKey
  if (typeof key !== 'string') return missingFields('tokenKey')
  const access = world.tokens.access.get(key)
  if (!access || access.kind === 'oauth' || access.refused) {
    return world.quirks.token_info_unknown === 401
      ? credentialsNotFound()
      : problem(404, 'resource not found', { category: 'OBJECT_NOT_FOUND' })
  }
  return {
    status: 200,
    json: {
      userId: access.user_id,
      hubId: access.portal_id,
      appId: access.app_id,
      scopes: world.tokens.effectiveScopes(access, world.portals.get(access.portal_id)),
    },
  }
}

// Removes the app whose token is used from the account whose token it is.
export function externalInstall(call: AccountCall): Reply {
  call.world.tokens.uninstall(call.access.app_id, call.portal.portal_id)
  return { status: 204 }
}
