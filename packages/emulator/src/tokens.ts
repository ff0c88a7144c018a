// Apps, their installs and every token: what is minted, what still works, what was taken away.
import { createAppTokens } from './app-tokens.ts'
import type { Clock } from './clock.ts'
import { createInstalls } from './installs.ts'
import type { Portal } from './portals.ts'
import type { Quirks } from './quirks.ts'
import { hash, opaque, seededUuid, uuid } from './random.ts'
import { createTokenEnds } from './token-ends.ts'
import type { Access, App, Code, Grant, NewApp, NewToken, RefreshToken } from './token-types.ts'

export type Tokens = ReturnType<typeof createTokens>

export function createTokens(seed: number, clock: Clock, quirks: Quirks) {
  const apps = new Map<string, App>()
  const access = new Map<string, Access>()
  const refresh = new Map<string, RefreshToken>()
  const codes = new Map<string, Code>()
  const installs = createInstalls()
  const ofApps = createAppTokens(clock, quirks)
  let nextApp = 0

  function addApp(input: NewApp): App {
    nextApp += 1
    const app: App = {
      app_id: input.app_id ?? 1_160_000 + nextApp,
      name: input.name ?? `App ${nextApp}`,
      client_id: input.client_id ?? seededUuid(seed, nextApp, 11),
      client_secret: input.client_secret ?? seededUuid(seed, nextApp, 12),
      redirect_uris: input.redirect_uris ?? [],
      required_scopes: input.required_scopes ?? ['oauth'],
      optional_scopes: input.optional_scopes ?? null,
      refresh: input.refresh ?? 'stable',
      distribution: input.distribution ?? 'marketplace',
    }
    apps.set(app.client_id, app)
    return app
  }

  function addCode(input: Omit<Code, 'code' | 'expires_at' | 'used'>, hublet: string): Code {
    const code = {
      ...input,
      code: `${hublet}-${uuid().slice(0, 18)}-${uuid()}`,
      expires_at: clock.now() + quirks.code_ttl_ms,
      used: false,
    }
    codes.set(code.code, code)
    return code
  }

  function addRefresh(grant: Grant, hublet: string): string {
    const token = `${hublet}-${uuid().slice(0, 4)}-${uuid()}`
    refresh.set(token, { token, grant, replaced_at: null, revoked: false })
    grant.current = token
    return token
  }

  // Whether a second authorisation by the same user gets the same refresh token is undocumented: a switch.
  function authorise(app: App, portal: Portal, user_id: number, scopes: string[]): Grant {
    if (quirks.shared_refresh_token) {
      for (const { grant, revoked } of refresh.values()) {
        const same = grant.app === app && grant.portal_id === portal.portal_id && grant.user_id === user_id
        if (same && grant.alive && !revoked) {
          grant.scopes = [...scopes]
          return grant
        }
      }
    }
    const { portal_id } = portal
    const grant: Grant = {
      id: `${app.app_id}:${portal_id}:${uuid().slice(0, 8)}`,
      app,
      portal_id,
      user_id,
      scopes: [...scopes],
      alive: true,
      current: '',
    }
    addRefresh(grant, portal.hublet)
    installs.add(grant)
    return grant
  }

  function mintAccess(grant: Grant): Access {
    if (!quirks.access_token_survives_refresh) {
      for (const old of access.values()) if (old.grant === grant) old.refused = true
    }
    const made: Access = {
      // HubSpot asks for room for 512 characters, because the size varies.
      token: `C${opaque(150 + (hash(access.size, seed) % 75))}`,
      kind: 'oauth',
      app_id: grant.app.app_id,
      app_name: grant.app.name,
      portal_id: grant.portal_id,
      user_id: grant.user_id,
      scopes: [...grant.scopes],
      expires_at: clock.now() + quirks.access_token_ttl_s * 1000,
      refused: false,
      grant,
    }
    access.set(made.token, made)
    return made
  }

  function addToken(portal: Portal, input: NewToken): { token: string; refresh_token?: string } {
    const scopes = input.scopes ?? ['oauth', 'tickets', 'crm.objects.owners.read']
    const user_id = input.user_id ?? portal.user_id
    if (input.kind === 'oauth') {
      const app = input.client_id
        ? apps.get(input.client_id)
        : addApp({ name: 'Somebody else’s app', required_scopes: scopes })
      if (!app) throw new Error(`there is no app with client_id ${input.client_id}`)
      const grant = authorise(app, portal, user_id, scopes)
      return { token: mintAccess(grant).token, refresh_token: grant.current }
    }
    nextApp += 1
    const names = { private_app: 'Private app', static: 'Static-auth app', service_key: 'Service key' }
    if (!Object.hasOwn(names, input.kind)) throw new Error(`there is no kind of token called ${input.kind}`)
    const token = input.token ?? `pat-${portal.hublet}-${uuid()}`
    access.set(token, {
      token,
      kind: input.kind,
      app_id: 1_160_000 + nextApp,
      app_name: input.name ?? `${names[input.kind]} ${nextApp}`,
      portal_id: portal.portal_id,
      user_id,
      scopes: [...scopes],
      expires_at: null,
      refused: false,
      grant: null,
    })
    return { token }
  }

  // What is left of a token's scopes after the account took some away.
  function effectiveScopes(one: Access, portal: Portal | undefined): string[] {
    return one.scopes.filter((scope) => !portal?.removed_scopes.has(scope))
  }

  // Any value that must not be shown to somebody who reads a log.
  function isSecret(text: string): boolean {
    if (text.length < 12) return false
    const known = access.has(text) || refresh.has(text) || codes.has(text) || ofApps.get(text) !== null
    return known || [...apps.values()].some((app) => app.client_secret === text)
  }

  const ends = createTokenEnds(access, refresh, clock, quirks, installs.remove)

  return {
    apps,
    access,
    refresh,
    codes,
    installs,
    ofApps,
    addApp,
    addCode,
    addRefresh,
    addToken,
    authorise,
    mintAccess,
    effectiveScopes,
    isSecret,
    ...ends,
    clear: () => {
      for (const map of [apps, access, refresh, codes]) map.clear()
      installs.clear()
      ofApps.clear()
      nextApp = 0
    },
  }
}
