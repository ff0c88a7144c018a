/** What this process takes on at once. Beyond it a request is refused before anything is done for it, so that the rest is served. */
import type { FastifyReply, FastifyRequest } from 'fastify'
import type { Clock } from '../../lib/clock.ts'
import { AppError } from '../../lib/errors.ts'
import type { Metrics } from '../../lib/metrics.ts'
import { createStrangers } from './strangers.ts'

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Stays open for long: counted among the streams and not among the requests. */
    stream?: boolean
  }
}

export interface Load {
  /** Requests under way at once; a fifth of them for one tenant. */
  requests: number
  /** Streams open at once; a tenth of them for one tenant. */
  streams: number
}

export interface SheddingParts {
  load: Load
  metrics: Metrics
  clock: Clock
  /** How late the event loop is now, ms. */
  delayMs(): number
}

export interface Shedding {
  /** @throws AppError overloaded */
  enter(request: FastifyRequest, reply: FastifyReply): void
  /**
   * Once it is known who asks: of what is under way one tenant has its share. A stream leaves the count of requests.
   *
   * @throws AppError overloaded | rate_limited
   */
  enterKnown(request: FastifyRequest, reply: FastifyReply): void
}

/** Later than this, and answers take seconds whatever they are. */
const mostDelayMs = 1_000
/** A small service still serves a page and takes webhooks beside it. */
const leastStrangers = 32

export function createShedding({ load, metrics, clock, delayMs }: SheddingParts): Shedding {
  let requests = 0
  let streams = 0
  const requestsOf = countByName()
  const streamsOf = countByName()
  /** Requests that have left the count before they end. */
  const moved = new WeakSet<FastifyReply>()
  const usual = Math.max(leastStrangers, Math.floor(load.requests / 5))
  const strangers = createStrangers(
    { usual, ofOneAddress: Math.ceil(usual / 4), most: 5 * usual },
    () => clock.monotonic(),
    () => metrics.httpShed.inc({ reason: 'unfinished' }),
  )

  function shed(reason: 'requests' | 'delay' | 'streams' | 'strangers', message: string): never {
    metrics.httpShed.inc({ reason })
    // Apart, or those who were refused together would come back together.
    throw new AppError('overloaded', message, { retryAfter: 1 + Math.floor(clock.random() * 3) })
  }

  /** The operator acts for all tenants, and has no share. */
  function shareOf(request: FastifyRequest, reply: FastifyReply, what: keyof Load, counts: Counts): void {
    const { principal } = request
    if (principal?.kind !== 'tenant') return
    const { tenantId } = principal
    request.calledOff.throwIfAborted()
    if (counts.of(tenantId) >= mostOfOne[what](load[what])) {
      metrics.httpLimited.inc({ limit: what })
      throw new AppError('rate_limited', `Too many ${what} of this tenant are ${underWay[what]}`, {
        retryAfter: again[what],
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
        if (!strangers.enter(request, reply))
          shed('strangers', 'Too many requests without a credential are under way')
        if (delayMs() > mostDelayMs) shed('delay', 'The service is too busy')
        return
      }
      if (requests >= load.requests) shed('requests', 'Too many requests are under way')
      if (delayMs() > mostDelayMs) shed('delay', 'The service is too busy')
      requests += 1
      reply.raw.once('close', () => {
        if (!moved.has(reply)) requests -= 1
      })
    },
    enterKnown(request, reply) {
      if (!request.routeOptions.config.stream) return shareOf(request, reply, 'requests', requestsOf)
      // Whoever is gone by now has left the count already.
      request.calledOff.throwIfAborted()
      if (streams >= load.streams) shed('streams', 'Too many streams are open')
      shareOf(request, reply, 'streams', streamsOf)
      moved.add(reply)
      requests -= 1
      streams += 1
      reply.raw.once('close', () => {
        streams -= 1
      })
    },
  }
}

const underWay = { requests: 'under way', streams: 'open' }
const again = { requests: 1, streams: 5 }
const shareFor = (share: number) => (all: number) => Math.max(1, Math.floor(all / share))
const mostOfOne = { requests: shareFor(5), streams: shareFor(10) }

interface Counts {
  of(name: string): number
  add(name: string): void
  drop(name: string): void
}

/** Names without anything are forgotten. */
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
 * Watches the event loop until `stop`. (Node's own histogram of it does not see a delay that reaches over its reset.)
 *
 * @returns delayMs: how late the last two ticks both were; one long statement of an embedded database is no overload
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
