// How tokens stop working: they run out, are taken away, or the app is removed from the account.
import type { Clock } from './clock.ts'
import type { Quirks } from './quirks.ts'
import type { Access, Grant, RefreshToken } from './token-types.ts'

export function createTokenEnds(
  access: ReadonlyMap<string, Access>,
  refresh: ReadonlyMap<string, RefreshToken>,
  clock: Clock,
  quirks: Quirks,
  ended: (grant: Grant) => void,
) {
  const ofPortal = (portal_id: number) => [...access.values()].filter((one) => one.portal_id === portal_id)

  // Only OAuth tokens run out; a pasted token works until somebody removes it.
  function expire(which: { portal_id?: number; token?: string }): number {
    const found = which.token
      ? [access.get(which.token)]
      : which.portal_id
        ? ofPortal(which.portal_id)
        : [...access.values()]
    let count = 0
    for (const one of found) {
      if (!one || one.expires_at === null) continue
      one.expires_at = Math.min(one.expires_at, clock.now())
      count += 1
    }
    return count
  }

  function endGrant(grant: Grant, keepAccess: boolean): void {
    const lived = grant.alive
    grant.alive = false
    for (const one of refresh.values()) if (one.grant === grant) one.revoked = true
    if (!keepAccess) for (const one of access.values()) if (one.grant === grant) one.refused = true
    if (lived) ended(grant)
  }

  // As after an uninstall: refresh tokens are dead and access tokens refused.
  function revoke(which: { portal_id?: number; token?: string }): number {
    const hit = new Set<Access>()
    const grants = new Set<Grant>()
    if (which.token) {
      const one = access.get(which.token)
      if (one) hit.add(one)
      const grant = one?.grant ?? refresh.get(which.token)?.grant
      if (grant) grants.add(grant)
    } else {
      for (const one of access.values())
        if (!which.portal_id || one.portal_id === which.portal_id) hit.add(one)
      for (const { grant } of refresh.values()) {
        if (!which.portal_id || grant.portal_id === which.portal_id) grants.add(grant)
      }
    }
    for (const one of hit) one.refused = true
    for (const grant of grants) endGrant(grant, false)
    return hit.size + grants.size
  }

  function uninstall(app_id: number, portal_id: number): void {
    const grants = new Set([...refresh.values()].map((one) => one.grant))
    for (const grant of grants) {
      if (grant.app.app_id !== app_id || grant.portal_id !== portal_id) continue
      endGrant(grant, quirks.access_token_survives_uninstall)
    }
  }

  return { expire, revoke, uninstall }
}
