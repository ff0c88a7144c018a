/**
 * Limits requests per minute, each process for itself: by credential and tenant for callers that
 * authenticate, by address for all others.
 *
 * A credential is always verified first, so wrong ones never lock out a valid one, whatever
 * address they come from. The authenticators keep the verification of wrong ones cheap.
 */
import type { FastifyReply, FastifyRequest } from 'fastify'
import type { Clock } from '../../lib/clock.ts'
import { AppError } from '../../lib/errors.ts'
import type { Metrics } from '../../lib/metrics.ts'
import { callerAddress, rateLimitAddress } from './client-address.ts'
import { createRateLimiter, type RateDecision } from './rate-limiter.ts'

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
  /** Requests that are not authenticated. */
  address: number
  /** Wrong credentials from one address. */
  failed: number
}

export interface LimitDependencies {
  rates: Rates
  metrics: Metrics
  clock: Clock
}

/**
 * Calls `authenticate`, which sets the request's principal, and then counts the request.
 *
 * @throws AppError rate_limited, or what `authenticate` throws
 */
export type ApplyLimits = (
  request: FastifyRequest,
  reply: FastifyReply,
  authenticate: () => Promise<void>,
) => Promise<void>

type LimitKind = keyof Rates

export function createLimits({ rates, metrics, clock }: LimitDependencies): ApplyLimits {
  const limiters = {
    key: createRateLimiter(rates.key, clock),
    tenant: createRateLimiter(rates.tenant, clock),
    address: createRateLimiter(rates.address, clock),
    failed: createRateLimiter(rates.failed, clock),
  }

  /** @throws AppError rate_limited */
  function consume(request: FastifyRequest, reply: FastifyReply, what: LimitKind, who: string): void {
    if (rates[what] === 0) return
    const decision = limiters[what](who)
    const seconds = Math.ceil(decision.resetMs / 1_000)
    if (what === 'key' || !decision.allowed) {
      // Headers as in draft-ietf-httpapi-ratelimit-headers-10.
      reply.header('ratelimit-policy', `"${what}";q=${rates[what]};w=60`)
      reply.header('ratelimit', `"${what}";r=${decision.remaining};t=${seconds}`)
    }
    if (!decision.allowed) refuse(request, what, who, decision, seconds)
  }

  function refuse(
    request: FastifyRequest,
    what: LimitKind,
    who: string,
    { isFirstRefusal }: RateDecision,
    seconds: number,
  ): never {
    metrics.httpLimited.inc({ limit: what })
    // At most once a minute for each name, so that a flood of requests does not become a flood of
    // log lines.
    if (isFirstRefusal) request.log.warn({ limit: what, who }, 'a rate limit was reached')
    throw new AppError('rate_limited', messages[what], { retryAfter: Math.max(1, seconds) })
  }

  function consumeUnauthenticated(request: FastifyRequest, reply: FastifyReply, wrong: boolean): void {
    const address = rateLimitAddress(callerAddress(request) ?? 'unknown')
    consume(request, reply, 'address', address)
    if (wrong) consume(request, reply, 'failed', address)
  }

  return async (request, reply, authenticate) => {
    const { access, probe } = request.routeOptions.config
    // HubSpot sends the changes of all accounts from few addresses and retries refused requests, so
    // only load shedding limits it.
    if (probe || access === 'signed') return await authenticate()
    try {
      await authenticate()
    } catch (error) {
      if (isRefusal(error)) consumeUnauthenticated(request, reply, isWrongCredential(request, error))
      throw error
    }
    const { principal } = request
    if (!principal) return consumeUnauthenticated(request, reply, false)
    // The operator has no limit: one backend with the admin key calls for all tenants.
    if (principal.kind !== 'tenant') return
    // A session spends the limit of the credential that it was made with. The name includes the
    // tenant, because a provider may give users of two tenants the same subject.
    consume(request, reply, 'key', `${principal.tenantId} ${principal.by}`)
    consume(request, reply, 'tenant', principal.tenantId)
  }
}

/** Not while the database or the identity provider is unavailable: the credential may be valid. */
const isRefusal = (error: unknown): error is AppError =>
  error instanceof AppError && error.code !== 'unavailable'

/** A browser whose session has ended sends its cookie again; that is not a wrong credential. */
const isWrongCredential = ({ headers }: FastifyRequest, { code }: AppError) =>
  headers.authorization !== undefined && code === 'unauthenticated'

const messages: Record<LimitKind, string> = {
  key: 'Too many requests with this credential',
  tenant: 'Too many requests from this tenant',
  address: 'Too many requests from this address',
  failed: 'Too many wrong credentials from this address',
}
