/** A JWT of the operator's identity provider as a bearer: it names one tenant, and what may be done there. */
import { createHash } from 'node:crypto'
import { errors, type JWTPayload, type JWTVerifyGetKey, jwtVerify } from 'jose'
import { type Scope, scopes } from '../api/principal.ts'
import type { Database } from '../db/database.ts'
import { unlessErasing, withTenant } from '../db/scope.ts'
import type { TenantId } from '../db/tenant-id.ts'
import type { Clock } from '../lib/clock.ts'
import { AppError, integrationNotFound } from '../lib/errors.ts'
import { parseUuid } from '../lib/ids.ts'
import type { Log } from '../lib/log.ts'
import { tenantExists } from '../tenants/store.ts'
import type { Proven, Way } from './proven.ts'

export interface JwtConfig {
  issuer: string
  audience: string
  jwksUrl: string
  /** The claim that holds the tenant's id. */
  tenantClaim: string
  /** The claim that holds the scopes, with spaces between or as a list. */
  scopeClaim: string
}

export interface JwtParts {
  db: Database
  /** The provider's keys. */
  keys: JWTVerifyGetKey
  clock: Clock
  log: Log
}

/** The whole provider in one string: what a session made by a JWT is tied to. */
export const providerOf = (config: JwtConfig): string =>
  JSON.stringify([config.issuer, config.audience, config.jwksUrl, config.tenantClaim, config.scopeClaim])

const shape = /^eyJ[\w-]{1,1000}\.[\w-]{1,7000}\.[\w-]{1,1000}$/

/**
 * Signature, issuer, audience and times by jose, whose keys come from the configuration alone: what a token says about where
 * its key lies is never looked at.
 *
 * @returns a way that throws AppError unavailable while the provider is away, and integration_not_found for a tenant that is
 *   not there, as if nothing of it were
 */
export function byJwt(config: JwtConfig, { db, keys, clock, log }: JwtParts): Way {
  const refuse = (reason: string): undefined => void log.debug({ reason }, 'a JWT is refused')

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
      return refuse(reasonOf(error))
    }
  }

  return async (bearer): Promise<Proven | undefined> => {
    if (!shape.test(bearer)) return undefined
    const token = await verified(bearer)
    if (!token) return undefined
    const { payload, protectedHeader } = token
    // What a provider signs for other ends (a logout, an event) has a type of its own.
    if (!/^(application\/)?(at\+)?jwt$/i.test(protectedHeader.typ ?? 'jwt')) return refuse('typ')
    const tenant = claim(payload, config.tenantClaim)
    const tenantId = typeof tenant === 'string' ? (parseUuid(tenant) as TenantId | undefined) : undefined
    if (!tenantId) return refuse(`${config.tenantClaim} is not a UUID`)
    const by = nameFor(payload.sub)
    if (!by) return refuse('sub')
    // One that is being erased is not: no token comes in, and none makes it anew when it is gone.
    if (!(await unlessErasing(withTenant(db, tenantId, tenantExists)))) throw integrationNotFound()
    return {
      principal: { kind: 'tenant', tenantId, scopes: scopesIn(claim(payload, config.scopeClaim)), by },
      until: (payload.exp as number) * 1_000,
    }
  }
}

const claim = (payload: JWTPayload, name: string): unknown =>
  Object.hasOwn(payload, name) ? payload[name] : undefined

/** Ours among those given; a provider's other words mean nothing here. */
function scopesIn(given: unknown): Scope[] {
  const words: unknown[] = typeof given === 'string' ? given.split(' ') : Array.isArray(given) ? given : []
  return scopes.filter((scope) => words.includes(scope))
}

/** The subject as it may stand in a log: short, of harmless letters, and its own. What was shortened or replaced has a hash behind it. */
function nameFor(sub: unknown): string | undefined {
  if (typeof sub !== 'string' || sub === '') return undefined
  if (/^[\w.@|:+/=-]{1,100}$/.test(sub)) return `jwt:${sub}`
  const readable = sub.slice(0, 60).replaceAll(/[^\w.@|:+/=-]/g, '_')
  return `jwt:${readable}~${createHash('sha256').update(sub).digest('base64url').slice(0, 22)}`
}

/** jose's own words, which name claims and never values. */
function reasonOf(error: unknown): string {
  if (error instanceof errors.JWTClaimValidationFailed || error instanceof errors.JWTExpired)
    return `${error.claim}: ${error.reason}`
  return error instanceof errors.JOSEError ? error.code : error instanceof Error ? error.name : 'unknown'
}
