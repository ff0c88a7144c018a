/** What this process takes on at once. Beyond it a request is refused before anything is done for it, so that the rest is served. */
import type { FastifyReply, FastifyRequest } from 'fastify'
import type { Clock } from '../lib/clock.ts'
import { AppError } from '../lib/errors.ts'
import type { Metrics } from '../lib/metrics.ts'
import type { Principal } from '../tenants/principal.ts'

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Stays open for long: counted among the streams and not among the requests. */
    stream?: boolean
  }
}

export interface Load {
  /** Requests under way at once. */
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
   * For a stream, once it is known who asks: it leaves the count of requests.
   *
   * @throws AppError overloaded | rate_limited
   */
  enterStream(request: FastifyRequest, reply: FastifyReply): void
}

/** Later than this, and answers take seconds whatever they are. */
const mostDelayMs = 1_000

export function createShedding({ load, metrics, clock, delayMs }: SheddingParts): Shedding {
  let requests = 0
  let streams = 0
  const streamsOf = new Map<string, number>()
  /** Requests that have left the count before they end. */
  const moved = new WeakSet<FastifyReply>()

  function shed(reason: 'requests' | 'delay' | 'streams', message: string): never {
    metrics.httpShed.inc({ reason })
    // Apart, or those who were refused together would come back together.
    throw new AppError('overloaded', message, { retryAfter: 1 + Math.floor(clock.random() * 3) })
  }

  return {
    enter(request, reply) {
      if (request.routeOptions.config.probe) return
      if (requests >= load.requests) shed('requests', 'Too many requests are under way')
      if (delayMs() > mostDelayMs) shed('delay', 'The service is too busy')
      requests += 1
      reply.raw.once('close', () => {
        if (!moved.has(reply)) requests -= 1
      })
    },
    enterStream(request, reply) {
      if (!request.routeOptions.config.stream) return
      // Whoever is gone by now has left the count already.
      request.calledOff.throwIfAborted()
      const whose = whoseStream(request.principal)
      const theirs = streamsOf.get(whose) ?? 0
      if (streams >= load.streams) shed('streams', 'Too many streams are open')
      if (whose !== all && theirs >= mostOf(load)) {
        metrics.httpLimited.inc({ limit: 'streams' })
        throw new AppError('rate_limited', 'Too many streams of this tenant are open', { retryAfter: 5 })
      }
      moved.add(reply)
      requests -= 1
      streams += 1
      streamsOf.set(whose, theirs + 1)
      reply.raw.once('close', () => {
        streams -= 1
        const left = (streamsOf.get(whose) ?? 0) - 1
        if (left > 0) streamsOf.set(whose, left)
        else streamsOf.delete(whose)
      })
    },
  }
}

const all = 'all'
/** The operator's streams are those of all tenants. */
const whoseStream = (principal: Principal | undefined) =>
  principal?.kind === 'tenant' ? principal.tenantId : all

const mostOf = ({ streams }: Load) => Math.max(1, Math.floor(streams / 10))

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
