/** Who may call: how requests are authenticated, the routes of API keys and sessions, ended sessions. */
import type { FastifyRequest } from 'fastify'
import type { Feature } from '../api/feature.ts'
import type { Egress } from '../lib/proxy.ts'
import type { Secret } from '../lib/secret.ts'
import type { TenantRouteDependencies } from '../tenants/routes.ts'
import { apiKeyRoutes } from './api-key-routes.ts'
import type { AuthContext } from './auth-context.ts'
import { type Authenticate, authenticateInOpenMode, createAuthenticate } from './authenticate.ts'
import { createJwtAuthenticator, type JwtConfig, jwtProviderId } from './jwt.ts'
import { createProviderKeys } from './provider-keys.ts'
import { sessionRoutes } from './session-routes.ts'
import { deleteEndedSessions } from './session-store.ts'
import { createSessions, type SessionDependencies } from './sessions.ts'
import { createApiKeyAuthenticator, createApiKeyVerifier } from './verify-api-key.ts'

export interface AuthDependencies
  extends TenantRouteDependencies,
    Omit<SessionDependencies, 'provider'>,
    Omit<Parameters<typeof createApiKeyVerifier>[0], 'db' | 'ring'> {
  metricsKey: Secret | undefined
  /** The identity provider; undefined: JWTs are refused. */
  jwt: JwtConfig | undefined
  egress: Egress | undefined
}

export function authFeature(deps: AuthDependencies): Feature & { authenticate: Authenticate } {
  const { adminKey, metricsKey, jwt, clock, log, egress } = deps
  const keys = adminKey && jwt && createProviderKeys(jwt.jwksUrl, clock, log, egress)
  const sessions = createSessions({ ...deps, provider: jwt && jwtProviderId(jwt) })
  const authenticators = [
    createApiKeyAuthenticator(createApiKeyVerifier(deps)),
    ...(jwt && keys ? [createJwtAuthenticator(jwt, { ...deps, keys: keys.find })] : []),
  ]
  return {
    authenticate: adminKey
      ? createAuthenticate({ admin: adminKey, metrics: metricsKey }, authenticators, sessions.find)
      : authenticateInOpenMode,
    routes(app) {
      apiKeyRoutes(app, deps)
      sessionRoutes(app, sessions, ({ authContext }: FastifyRequest) => authContext as AuthContext)
    },
    hooks: { deleteExpired: deleteEndedSessions },
    close: async () => await keys?.close(),
  }
}
