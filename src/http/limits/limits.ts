/** How much an address, a credential, a tenant, and somebody with wrong credentials may ask in a minute. */
import type { FastifyReply, FastifyRequest } from 'fastify'
import type { Principal } from '../../api/principal.ts'
import type { Clock } from '../../lib/clock.ts'
import { AppError } from '../../lib/errors.ts'
import type { Metrics } from '../../lib/metrics.ts'
import { callerOf, limitedAs } from './client-address.ts'
import type { Limiter, Verdict } from './rate-limiter.ts'
import { createTries } from './tries.ts'

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Answered whatever the load and whoever asks: it tells whether the process lives. */
    probe?: boolean
  }
}

/** Requests a minute; 0: no limit. */
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
 * Lets a request through `pass` (who asks, and may they), or refuses it: before that by its address, after it by its credential.
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
    // HubSpot sends all accounts' changes from few addresses, and what is refused is sent again: the load alone limits it.
    if (probe || access === 'signed') return await pass()
    const address = limitedAs(callerOf(request) ?? 'unknown')
    // Public routes look at no credential.
    const credential = access === 'public' ? undefined : request.headers.authorization
    const known = credential === undefined ? undefined : tries.known(address, credential)
    // One backend with the admin key asks for all tenants from one address.
    if (known !== 'admin') await spend(request, reply, 'address', address)
    const attempt =
      credential === undefined ? undefined : await tries.begin(address, credential, request.calledOff)
    if (credential !== undefined && !attempt) refuse(request, reply, 'failed', address, noPlace)
    try {
      const refusal = await refusalOf(pass)
      const { principal } = request
      if (principal) attempt?.right(principal.kind)
      // Also when the path is another tenant's: what it costs tells nothing. A session has the budget of the key it was made with.
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
    verdict: Verdict,
  ): never {
    metrics.httpLimited.inc({ limit: what })
    // Once a minute for each: what a flood writes must not be another flood.
    if (verdict.news) request.log.warn({ limit: what, who }, 'a limit was met')
    setRateHeaders(reply, what, verdict)
    const retryAfter = Math.max(1, Math.ceil(verdict.againMs / 1_000))
    throw new AppError('rate_limited', words[what], { retryAfter })
  }

  /** As in draft-ietf-httpapi-ratelimit-headers-10. */
  function setRateHeaders(reply: FastifyReply, what: What, { left, againMs }: Verdict): void {
    reply.header('ratelimit-policy', `"${what}";q=${rates[what]};w=60`)
    reply.header('ratelimit', `"${what}";r=${left};t=${Math.ceil(againMs / 1_000)}`)
  }
}

/** With its tenant: a provider may give users of two tenants the same subject. */
const nameIn = ({ tenantId, by }: TenantPrincipal) => `${tenantId} ${by}`

/** The credential was not verified; the line is short, so it may come back soon. */
const noPlace: Verdict = { ok: false, left: 0, againMs: 1_000, news: false }

const words: Record<What, string> = {
  key: 'This credential asked too often',
  tenant: 'This tenant asked too often',
  address: 'This address asked too often',
  failed: 'Too many wrong credentials were tried',
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
