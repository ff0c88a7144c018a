// The shapes of apps, authorisations and tokens.
export type RefreshMode = 'stable' | 'rotating' | 'rotating_grace'

export type App = {
  app_id: number
  name: string
  client_id: string
  client_secret: string
  redirect_uris: string[]
  required_scopes: string[]
  optional_scopes: string[] | null
  refresh: RefreshMode
  distribution: 'marketplace' | 'private'
}

// One authorisation by one user: the line of refresh tokens that came from it.
export type Grant = {
  id: string
  app: App
  portal_id: number
  user_id: number
  scopes: string[]
  alive: boolean
  current: string
}

export type RefreshToken = { token: string; grant: Grant; replaced_at: number | null; revoked: boolean }

export type AccessKind = 'private_app' | 'static' | 'service_key' | 'oauth'

export type Access = {
  token: string
  kind: AccessKind
  app_id: number
  app_name: string
  portal_id: number
  user_id: number
  scopes: string[]
  expires_at: number | null
  refused: boolean
  grant: Grant | null
}

export type Code = {
  code: string
  app: App
  portal_id: number
  user_id: number
  redirect_uri: string
  scopes: string[]
  challenge: string | null
  challenge_method: string
  expires_at: number
  used: boolean
}

export type NewApp = {
  app_id?: number
  name?: string
  client_id?: string
  client_secret?: string
  redirect_uris?: string[]
  required_scopes?: string[]
  optional_scopes?: string[]
  refresh?: RefreshMode
  distribution?: 'marketplace' | 'private'
}

export type NewToken = {
  kind: AccessKind
  scopes?: string[]
  client_id?: string
  user_id?: number
  token?: string
  name?: string
}
