/** Authenticates a JWT of the operator's identity provider; it names one tenant and its scopes. */
import { createHash } from 'node:crypto'
import { errors, type JWTPayload, type JWTVerifyGetKey, jwtVerify } from 'jose'
import { type Scope, scopes } from '../api/principal.ts'
import { createBatchReader } from '../db/batch-reader.ts'
import type { Database } from '../db/database.ts'
import { withSystemStatement } from '../db/scope.ts'
import type { TenantId } from '../db/tenant-id.ts'
import type { Clock } from '../lib/clock.ts'
import { AppError, integrationNotFound } from '../lib/errors.ts'
import { parseUuid } from '../lib/ids.ts'
import type { Log } from '../lib/log.ts'
import { findTenants } from '../tenants/store.ts'
import type { AuthContext, BearerAuthenticator } from './auth-context.ts'

export interface JwtConfig {
  issuer: string
  audience: string
  jwksUrl: string
  /** The claim with the tenant's id. */
  tenantClaim: string
  /** The claim with the scopes, separated by spaces or as a list. */
  scopeClaim: string
}

export interface JwtDependencies {
  db: Database
  /** The provider's keys. */
  keys: JWTVerifyGetKey
  clock: Clock
  log: Log
}

/** The whole provider configuration in one string; a session made by a JWT is bound to it. */
export const jwtProviderId = (config: JwtConfig): string =>
  JSON.stringify([config.issuer, config.audience, config.jwksUrl, config.tenantClaim, config.scopeClaim])

const shape = /^eyJ[\w-]{1,1000}\.[\w-]{1,7000}\.[\w-]{1,1000}$/

/**
 * jose verifies signature, issuer, audience and times. Keys come only from the configuration; what
 * a token says about where its key is located is ignored.
 *
 * @returns an authenticator that throws AppError unavailable while the provider is unavailable, and
 *   integration_not_found for a tenant that does not exist, as if nothing of it existed
 */
export function createJwtAuthenticator(
  config: JwtConfig,
  { db, keys, clock, log }: JwtDependencies,
): BearerAuthenticator {
  const readTenant = createBatchReader(async (ids) => {
    const found = await withSystemStatement(db, (scope) => findTenants(scope, ids))
    return new Map(found.map((tenantId) => [tenantId as string, tenantId]))
  })
  const refuse = (reason: string): undefined => void log.debug({ reason }, 'a JWT was refused')

  async function verified(bearer: string) {
    try {
      return await jwtVerify(bearer, keys, {
        algorithms: ['EdDSA', 'Ed25519', 'ES256', 'RS256'],
        issuer: config.issuer,
        audience: config.audience,
        requiredClaims: ['exp', 'iat', 'sub'],
        maxTokenAge: 24 * 60 * 60,
        clockTolerance: 30,
        currentDate: new Date(clock.now()),
      })
    } catch (error) {
      if (error instanceof AppError) throw error
      return refuse(jwtErrorReason(error))
    }
  }

  return async (bearer): Promise<AuthContext | undefined> => {
    if (!shape.test(bearer)) return undefined
    const token = await verified(bearer)
    if (!token) return undefined
    const { payload, protectedHeader } = token
    // Tokens that a provider signs for other purposes (a logout, an event) have a type of their
    // own.
    if (!/^(application\/)?(at\+)?jwt$/i.test(protectedHeader.typ ?? 'jwt')) return refuse('typ')
    const tenant = claim(payload, config.tenantClaim)
    const tenantId = typeof tenant === 'string' ? (parseUuid(tenant) as TenantId | undefined) : undefined
    if (!tenantId) return refuse(`${config.tenantClaim} is not a UUID`)
    const by = safeSubjectName(payload.sub)
    if (!by) return refuse('sub')
    // A tenant that is being erased counts as absent: no token is accepted for it, and none can
    // recreate it later.
    if (!(await readTenant(tenantId))) throw integrationNotFound()
    return {
      principal: { kind: 'tenant', tenantId, scopes: scopesIn(claim(payload, config.scopeClaim)), by },
      until: (payload.exp as number) * 1_000,
    }
  }
}

const claim = (payload: JWTPayload, name: string): unknown =>
  Object.hasOwn(payload, name) ? payload[name] : undefined

/** Only Spoke's own scopes; other words of the provider are ignored. */
function scopesIn(given: unknown): Scope[] {
  const words: unknown[] = typeof given === 'string' ? given.split(' ') : Array.isArray(given) ? given : []
  return scopes.filter((scope) => words.includes(scope))
}

/**
 * The subject in a form safe for logs: short, harmless characters, and unique. A shortened or
 * changed subject ends with a hash.
 */
function safeSubjectName(sub: unknown): string | undefined {
  if (typeof sub !== 'string' || sub === '') return undefined
  if (/^[\w.@|:+/=-]{1,100}$/.test(sub)) return `jwt:${sub}`
  const readable = sub.slice(0, 60).replaceAll(/[^\w.@|:+/=-]/g, '_')
  return `jwt:${readable}~${createHash('sha256').update(sub).digest('base64url').slice(0, 22)}`
}

/** jose's messages, which name claims and never values. */
function jwtErrorReason(error: unknown): string {
  if (error instanceof errors.JWTClaimValidationFailed || error instanceof errors.JWTExpired)
    return `${error.claim}: ${error.reason}`
  return error instanceof errors.JOSEError ? error.code : error instanceof Error ? error.name : 'unknown'
}
