/**
 * How long to wait before a call is repeated, by kind of error. Pure; the client decides whether to
 * repeat it.
 */
import { type Backoff, fullJitter } from '../../lib/backoff.ts'
import type { HubSpotError, RateLimitPolicy } from '../hubspot-error.ts'

const repeatable = new Set(['rate_limited', 'unavailable', 'timeout', 'invalid'])
const outage: Backoff = { base: 500, cap: 15_000 }
/**
 * HubSpot's edge gave up on work that still runs behind it: "pause a few seconds", says its
 * documentation.
 */
const overloaded: Backoff = { base: 3_000, cap: 15_000 }

/**
 * HubSpot documents no Retry-After on 429, so each policy has its own wait; a daily stop is not
 * waited out here.
 */
export const policyWaitMs: Record<RateLimitPolicy, number> = {
  ten_secondly: 10_000,
  secondly: 1_000,
  unknown: 10_000,
  daily: 900_000,
}

/** HubSpot's edge timed out waiting for the service behind it. */
export const isTooSlow = ({ status }: HubSpotError): boolean =>
  status === 408 || status === 502 || status === 504 || status === 524

const resets = new Set(['ECONNRESET', 'EPIPE', 'UND_ERR_SOCKET'])

/**
 * The connection closed without a response: often HubSpot closed an idle one while we wrote to it.
 */
export function wasReset(error: HubSpotError): boolean {
  const code = (error.cause as { code?: unknown } | undefined)?.code
  return error.kind === 'unavailable' && typeof code === 'string' && resets.has(code)
}

/**
 * @param attempt 0 after the first failure
 * @returns ms, or undefined when repeating cannot help
 */
export function retryDelay(error: HubSpotError, attempt: number, random: number): number | undefined {
  if (!repeatable.has(error.kind) || error.circuit) return undefined
  if (error.kind === 'rate_limited') return error.retryAfterMs ?? policyWaitMs[error.policy ?? 'unknown']
  if (error.retryAfterMs !== undefined) return error.retryAfterMs
  // A locked record stays locked for two seconds.
  if (error.status === 423) return 2_000 + fullJitter(outage, attempt, random)
  if (error.status === 502 || error.status === 504) return 1_000 + fullJitter(overloaded, attempt, random)
  return fullJitter(outage, attempt, random)
}
