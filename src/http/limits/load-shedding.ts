/** Load shedding: refuses requests beyond what the process can serve, before any work for them. */
import type { FastifyReply, FastifyRequest } from 'fastify'
import type { Clock } from '../../lib/clock.ts'
import { AppError } from '../../lib/errors.ts'
import type { Metrics } from '../../lib/metrics.ts'
import { createUnauthenticatedRequests } from './unauthenticated-requests.ts'

declare module 'fastify' {
  interface FastifyContextConfig {
    /** The response stays open: counted as a stream, not as a request. */
    stream?: boolean
  }
}

export interface Load {
  /** Concurrent requests; one tenant may have a fifth of them. */
  requests: number
  /** Open streams; one tenant may have a tenth of them. */
  streams: number
}

export interface LoadSheddingDependencies {
  load: Load
  metrics: Metrics
  clock: Clock
  /** Current delay of the event loop, ms. */
  delayMs(): number
}

export interface LoadShedding {
  /** @throws AppError overloaded */
  enter(request: FastifyRequest, reply: FastifyReply): void
  /**
   * Applies the tenant's share once the caller is authenticated. A stream no longer counts as a
   * request.
   *
   * @throws AppError overloaded | rate_limited
   */
  enterAuthenticated(request: FastifyRequest, reply: FastifyReply): void
}

/** Beyond this delay even cheap requests take seconds. */
const maxDelayMs = 1_000
/** Even a small service can then serve a page and receive webhooks at the same time. */
const minUnauthenticated = 32

export function createLoadShedding({
  load,
  metrics,
  clock,
  delayMs,
}: LoadSheddingDependencies): LoadShedding {
  let requests = 0
  let streams = 0
  const requestsOf = countByName()
  const streamsOf = countByName()
  /** Streams, which stop counting as requests before they end. */
  const moved = new WeakSet<FastifyReply>()
  const usual = Math.max(minUnauthenticated, Math.floor(load.requests / 5))
  const unauthenticated = createUnauthenticatedRequests(
    { usual, ofOneAddress: Math.ceil(usual / 4), max: 5 * usual },
    () => clock.monotonic(),
    () => metrics.httpShed.inc({ reason: 'unfinished' }),
  )

  function shed(reason: 'requests' | 'delay' | 'streams' | 'unauthenticated', message: string): never {
    metrics.httpShed.inc({ reason })
    // Jitter, so that callers refused together do not retry together.
    throw new AppError('overloaded', message, { retryAfter: 1 + Math.floor(clock.random() * 3) })
  }

  /** The operator acts for all tenants, so no share applies. */
  function applyTenantShare(
    request: FastifyRequest,
    reply: FastifyReply,
    what: keyof Load,
    counts: Counts,
  ): void {
    const { principal } = request
    if (principal?.kind !== 'tenant') return
    const { tenantId } = principal
    request.abortSignal.throwIfAborted()
    if (counts.of(tenantId) >= maxOfOneTenant[what](load[what])) {
      metrics.httpLimited.inc({ limit: what })
      throw new AppError('rate_limited', `This tenant has too many ${what} ${inProgressWords[what]}`, {
        retryAfter: retryAfterSeconds[what],
      })
    }
    counts.add(tenantId)
    reply.raw.once('close', () => counts.drop(tenantId))
  }

  return {
    enter(request, reply) {
      const { probe, access } = request.routeOptions.config
      if (probe) return
      if (access === 'public' || access === 'signed') {
        if (!unauthenticated.enter(request, reply))
          shed('unauthenticated', 'Too many unauthenticated requests are in progress')
        if (delayMs() > maxDelayMs) shed('delay', 'The service is too busy')
        return
      }
      if (requests >= load.requests) shed('requests', 'Too many requests are in progress')
      if (delayMs() > maxDelayMs) shed('delay', 'The service is too busy')
      requests += 1
      reply.raw.once('close', () => {
        if (!moved.has(reply)) requests -= 1
      })
    },
    enterAuthenticated(request, reply) {
      if (!request.routeOptions.config.stream) return applyTenantShare(request, reply, 'requests', requestsOf)
      // The request of a caller that is gone no longer counts.
      request.abortSignal.throwIfAborted()
      if (streams >= load.streams) shed('streams', 'Too many streams are open')
      applyTenantShare(request, reply, 'streams', streamsOf)
      moved.add(reply)
      requests -= 1
      streams += 1
      reply.raw.once('close', () => {
        streams -= 1
      })
    },
  }
}

const inProgressWords = { requests: 'in progress', streams: 'open' }
const retryAfterSeconds = { requests: 1, streams: 5 }
const shareFor = (share: number) => (all: number) => Math.max(1, Math.floor(all / share))
const maxOfOneTenant = { requests: shareFor(5), streams: shareFor(10) }

interface Counts {
  of(name: string): number
  add(name: string): void
  drop(name: string): void
}

/** Removes names whose count is zero. */
function countByName(): Counts {
  const counts = new Map<string, number>()
  const of = (name: string) => counts.get(name) ?? 0
  return {
    of,
    add: (name) => void counts.set(name, of(name) + 1),
    drop(name) {
      if (of(name) > 1) counts.set(name, of(name) - 1)
      else counts.delete(name)
    },
  }
}

const tickMs = 100

/**
 * Measures the event loop delay until `stop`. (Node's own histogram misses a delay that spans a
 * reset.)
 *
 * @returns delayMs: the smaller delay of the last two ticks, because one long statement of an
 *   embedded database is not overload
 */
export function watchDelay(clock: Clock): { delayMs(): number; stop(): void } {
  let last = clock.monotonic()
  let late = 0
  let twice = 0
  const timer = setInterval(() => {
    const now = clock.monotonic()
    const lateNow = now - last - tickMs
    twice = Math.min(late, lateNow)
    late = lateNow
    last = now
  }, tickMs).unref()
  return { delayMs: () => twice, stop: () => clearInterval(timer) }
}
