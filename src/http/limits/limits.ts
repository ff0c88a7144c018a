/** Limits requests per minute by address, credential, tenant, and failed authentication. */
import type { FastifyReply, FastifyRequest } from 'fastify'
import type { Principal } from '../../api/principal.ts'
import type { Clock } from '../../lib/clock.ts'
import { AppError } from '../../lib/errors.ts'
import type { Metrics } from '../../lib/metrics.ts'
import { callerOf, limitedAs } from './client-address.ts'
import type { Limiter, RateDecision } from './rate-limiter.ts'
import { createTries } from './tries.ts'

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

export interface LimitParts {
  rates: Rates
  limiter: Limiter
  metrics: Metrics
  clock: Clock
}

/**
 * Calls `pass`, which authenticates and authorizes the request. Refuses a request before that by
 * its address, and after it by its credential.
 *
 * @throws AppError rate_limited, or what `pass` throws
 */
export type Limits = (
  request: FastifyRequest,
  reply: FastifyReply,
  pass: () => Promise<void>,
) => Promise<void>

type What = keyof Rates
type TenantPrincipal = Extract<Principal, { kind: 'tenant' }>

export function createLimits({ rates, limiter, metrics, clock }: LimitParts): Limits {
  const tries = createTries(rates.failed, limiter, clock)

  return async (request, reply, pass) => {
    const { access, probe } = request.routeOptions.config
    // HubSpot sends the changes of all accounts from few addresses and retries refused requests, so
    // only load shedding limits it.
    if (probe || access === 'signed') return await pass()
    const address = limitedAs(callerOf(request) ?? 'unknown')
    // Public routes ignore credentials.
    const credential = access === 'public' ? undefined : request.headers.authorization
    const known = credential === undefined ? undefined : tries.known(address, credential)
    // A backend with the admin key calls for all tenants from one address.
    if (known !== 'admin') await spend(request, reply, 'address', address)
    const attempt =
      credential === undefined ? undefined : await tries.begin(address, credential, request.calledOff)
    if (credential !== undefined && !attempt) refuse(request, reply, 'failed', address, noPlace)
    try {
      const refusal = await refusalOf(pass)
      const { principal } = request
      if (principal) attempt?.right(principal.kind)
      // Also when the path is another tenant's, so that the cost reveals nothing. A session spends
      // the budget of the key it was made with.
      if (principal?.kind === 'tenant') await spendOf(request, reply, principal)
      const tooMany = refusal && isUnknown(refusal.error) ? await attempt?.wrong() : undefined
      if (tooMany) refuse(request, reply, 'failed', address, tooMany)
      if (refusal) throw refusal.error
    } finally {
      attempt?.end()
    }
  }

  async function spendOf(
    request: FastifyRequest,
    reply: FastifyReply,
    principal: TenantPrincipal,
  ): Promise<void> {
    await spend(request, reply, 'key', nameIn(principal))
    await spend(request, reply, 'tenant', principal.tenantId)
  }

  async function spend(request: FastifyRequest, reply: FastifyReply, what: What, who: string): Promise<void> {
    if (rates[what] === 0) return
    const spent = limiter.spend(`${what} ${who}`, rates[what])
    const verdict = spent instanceof Promise ? await spent : spent
    if (!verdict.ok) refuse(request, reply, what, who, verdict)
    if (what === 'key') setRateHeaders(reply, what, verdict)
  }

  function refuse(
    request: FastifyRequest,
    reply: FastifyReply,
    what: What,
    who: string,
    verdict: RateDecision,
  ): never {
    metrics.httpLimited.inc({ limit: what })
    // At most once a minute for each name, so that a flood of requests does not become a flood of
    // log lines.
    if (verdict.news) request.log.warn({ limit: what, who }, 'a rate limit was reached')
    setRateHeaders(reply, what, verdict)
    const retryAfter = Math.max(1, Math.ceil(verdict.againMs / 1_000))
    throw new AppError('rate_limited', words[what], { retryAfter })
  }

  /** Headers as in draft-ietf-httpapi-ratelimit-headers-10. */
  function setRateHeaders(reply: FastifyReply, what: What, { left, againMs }: RateDecision): void {
    reply.header('ratelimit-policy', `"${what}";q=${rates[what]};w=60`)
    reply.header('ratelimit', `"${what}";r=${left};t=${Math.ceil(againMs / 1_000)}`)
  }
}

/** Includes the tenant, because a provider may give users of two tenants the same subject. */
const nameIn = ({ tenantId, by }: TenantPrincipal) => `${tenantId} ${by}`

/** The credential was not verified. The queue is short, so the caller may retry soon. */
const noPlace: RateDecision = { ok: false, left: 0, againMs: 1_000, news: false }

const words: Record<What, string> = {
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

const isUnknown = (error: unknown) => error instanceof AppError && error.code === 'unauthenticated'
