/** Limits requests per minute by address, credential, tenant, and failed authentication. */
import type { FastifyReply, FastifyRequest } from 'fastify'
import type { Principal } from '../../api/principal.ts'
import type { Clock } from '../../lib/clock.ts'
import { AppError } from '../../lib/errors.ts'
import type { Metrics } from '../../lib/metrics.ts'
import { callerAddress, rateLimitAddress } from './client-address.ts'
import { createLoginThrottle } from './login-throttle.ts'
import type { RateDecision, RateLimiter } from './rate-limiter.ts'

declare module 'fastify' {
  interface FastifyContextConfig {
    /** A liveness or readiness probe: served whatever the load, to any caller. */
    probe?: boolean
  }
}

/** Requests per minute; 0: no limit. */
export interface Rates {
  key: number
  /** All credentials of one tenant together. */
  tenant: number
  address: number
  failed: number
}

export interface LimitDependencies {
  rates: Rates
  limiter: RateLimiter
  metrics: Metrics
  clock: Clock
}

/**
 * Calls `pass`, which authenticates and authorizes the request. Refuses a request before that by
 * its address, and after it by its credential.
 *
 * @throws AppError rate_limited, or what `pass` throws
 */
export type ApplyLimits = (
  request: FastifyRequest,
  reply: FastifyReply,
  pass: () => Promise<void>,
) => Promise<void>

type LimitKind = keyof Rates
type TenantPrincipal = Extract<Principal, { kind: 'tenant' }>

export function createLimits({ rates, limiter, metrics, clock }: LimitDependencies): ApplyLimits {
  const throttle = createLoginThrottle(rates.failed, limiter, clock)

  return async (request, reply, pass) => {
    const { access, probe } = request.routeOptions.config
    // HubSpot sends the changes of all accounts from few addresses and retries refused requests, so
    // only load shedding limits it.
    if (probe || access === 'signed') return await pass()
    const address = rateLimitAddress(callerAddress(request) ?? 'unknown')
    // Public routes ignore credentials.
    const credential = access === 'public' ? undefined : request.headers.authorization
    const known = credential === undefined ? undefined : throttle.knownAs(address, credential)
    // A backend with the admin key calls for all tenants from one address.
    if (known !== 'admin') await consume(request, reply, 'address', address)
    const attempt =
      credential === undefined ? undefined : await throttle.begin(address, credential, request.abortSignal)
    if (credential !== undefined && !attempt) refuse(request, reply, 'failed', address, tooManyAttempts)
    try {
      const refusal = await refusalOf(pass)
      const { principal } = request
      if (principal) attempt?.succeeded(principal.kind)
      // Also when the path is another tenant's, so that the cost reveals nothing. A session spends
      // the budget of the key it was made with.
      if (principal?.kind === 'tenant') await consumeFor(request, reply, principal)
      const tooMany = refusal && isUnauthenticated(refusal.error) ? await attempt?.failed() : undefined
      if (tooMany) refuse(request, reply, 'failed', address, tooMany)
      if (refusal) throw refusal.error
    } finally {
      attempt?.end()
    }
  }

  async function consumeFor(
    request: FastifyRequest,
    reply: FastifyReply,
    principal: TenantPrincipal,
  ): Promise<void> {
    await consume(request, reply, 'key', limitNameOf(principal))
    await consume(request, reply, 'tenant', principal.tenantId)
  }

  async function consume(
    request: FastifyRequest,
    reply: FastifyReply,
    what: LimitKind,
    who: string,
  ): Promise<void> {
    if (rates[what] === 0) return
    const consumed = limiter.consume(`${what} ${who}`, rates[what])
    const decision = consumed instanceof Promise ? await consumed : consumed
    if (!decision.allowed) refuse(request, reply, what, who, decision)
    if (what === 'key') setRateHeaders(reply, what, decision)
  }

  function refuse(
    request: FastifyRequest,
    reply: FastifyReply,
    what: LimitKind,
    who: string,
    decision: RateDecision,
  ): never {
    metrics.httpLimited.inc({ limit: what })
    // At most once a minute for each name, so that a flood of requests does not become a flood of
    // log lines.
    if (decision.isFirstRefusal) request.log.warn({ limit: what, who }, 'a rate limit was reached')
    setRateHeaders(reply, what, decision)
    const retryAfter = Math.max(1, Math.ceil(decision.resetMs / 1_000))
    throw new AppError('rate_limited', messages[what], { retryAfter })
  }

  /** Headers as in draft-ietf-httpapi-ratelimit-headers-10. */
  function setRateHeaders(reply: FastifyReply, what: LimitKind, { remaining, resetMs }: RateDecision): void {
    reply.header('ratelimit-policy', `"${what}";q=${rates[what]};w=60`)
    reply.header('ratelimit', `"${what}";r=${remaining};t=${Math.ceil(resetMs / 1_000)}`)
  }
}

/** Includes the tenant, because a provider may give users of two tenants the same subject. */
const limitNameOf = ({ tenantId, by }: TenantPrincipal) => `${tenantId} ${by}`

/** The credential was not verified. The queue is short, so the caller may retry soon. */
const tooManyAttempts: RateDecision = { allowed: false, remaining: 0, resetMs: 1_000, isFirstRefusal: false }

const messages: Record<LimitKind, string> = {
  key: 'Too many requests with this credential',
  tenant: 'Too many requests from this tenant',
  address: 'Too many requests from this address',
  failed: 'Too many wrong credentials from this address',
}

async function refusalOf(pass: () => Promise<void>): Promise<{ error: unknown } | undefined> {
  try {
    await pass()
    return undefined
  } catch (error) {
    return { error }
  }
}

const isUnauthenticated = (error: unknown) => error instanceof AppError && error.code === 'unauthenticated'
