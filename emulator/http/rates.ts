// Rate limits: a rolling ten-second window per app and account, five searches a second per account, a daily count per
// account for pasted tokens; and the headers that tell how much is left.
import type { Clock } from '../clock.ts'
import type { Plan, Portal } from '../portals.ts'
import type { Quirks } from '../quirks.ts'
import { uuid } from '../random.ts'
import { localDay } from '../time-zone.ts'
import type { Access } from '../token-types.ts'
import { problem, type Reply } from './reply.ts'

export type Bucket = 'general' | 'search'
export type Policy = 'ten_secondly' | 'secondly' | 'daily'

// null takes a limit away.
export type Limits = {
  enabled: boolean
  oauth_ten_secondly: number | null
  private_ten_secondly: Record<Plan, number> | number | null
  search_per_second: number | null
  daily: Record<Plan, number> | number | null
}

export const DEFAULT_LIMITS: Readonly<Limits> = {
  enabled: true,
  oauth_ten_secondly: 110,
  private_ten_secondly: { starter: 100, professional: 190, enterprise: 190 },
  search_per_second: 5,
  daily: { starter: 250_000, professional: 625_000, enterprise: 1_000_000 },
}

export type Verdict = { headers: Record<string, string>; refusal: Reply | null }

export type Rates = ReturnType<typeof createRates>

export function createRates(clock: Clock, quirks: Quirks) {
  const limits: Limits = { ...DEFAULT_LIMITS }
  // Times of accepted calls. Whether a refused call counts is undocumented; here it does not.
  const windows = new Map<string, number[]>()
  const days = new Map<number, { day: string; used: number }>()

  function recent(key: string, span: number): number[] {
    const now = clock.now()
    const kept = (windows.get(key) ?? []).filter((time) => time > now - span && time <= now)
    windows.set(key, kept)
    return kept
  }

  const byPlan = (limit: Limits['daily'], portal: Portal) =>
    typeof limit === 'object' && limit ? limit[portal.plan] : limit

  function daily(portal: Portal): { used: number; limit: number | null } {
    const day = localDay(portal.time_zone, clock.now())
    const count = days.get(portal.portal_id)
    return { used: count?.day === day ? count.used : 0, limit: byPlan(limits.daily, portal) }
  }

  function countDaily(portal: Portal): void {
    const day = localDay(portal.time_zone, clock.now())
    days.set(portal.portal_id, { day, used: daily(portal).used + 1 })
  }

  function check(access: Access, portal: Portal, bucket: Bucket): Verdict {
    if (!limits.enabled) return { headers: {}, refusal: null }
    // A privately distributed OAuth app has the limits of a private app.
    const pasted = access.kind !== 'oauth'
    const isPrivate = pasted || access.grant?.app.distribution === 'private'
    const max = isPrivate ? byPlan(limits.private_ten_secondly, portal) : limits.oauth_ten_secondly
    const today = isPrivate ? daily(portal) : { used: 0, limit: null }
    const name = pasted ? 'private_app' : 'oauth'

    if (today.limit !== null && today.used >= today.limit) {
      return {
        headers: headersOf(access, portal, bucket, max, isPrivate),
        refusal: limited('daily', null, quirks, null),
      }
    }
    if (bucket === 'search') {
      const key = `search ${portal.portal_id}`
      const times = recent(key, 1000)
      if (limits.search_per_second !== null && times.length >= limits.search_per_second) {
        const group = `publicapi:crm:search:${name}:${access.app_id}:${portal.portal_id}`
        return { headers: {}, refusal: limited('secondly', group, quirks, 1) }
      }
      times.push(clock.now())
      if (isPrivate) countDaily(portal)
      return { headers: {}, refusal: null }
    }
    const times = recent(`general ${access.app_id} ${portal.portal_id}`, 10_000)
    if (max !== null && times.length >= max) {
      const group = `publicapi:${name}-api-calls-ten-secondly:${access.app_id}:${portal.portal_id}`
      return {
        headers: headersOf(access, portal, bucket, max, isPrivate),
        refusal: limited('ten_secondly', group, quirks, 10),
      }
    }
    times.push(clock.now())
    if (isPrivate) countDaily(portal)
    return { headers: headersOf(access, portal, bucket, max, isPrivate), refusal: null }
  }

  // Search answers carry no such headers, and the daily ones are for pasted tokens only.
  function headersOf(
    access: Access,
    portal: Portal,
    bucket: Bucket,
    max: number | null,
    isPrivate: boolean,
  ): Record<string, string> {
    if (bucket === 'search' || max === null) return {}
    const used = recent(`general ${access.app_id} ${portal.portal_id}`, 10_000)
    const secondly = Math.floor(max / 10)
    const lastSecond = used.filter((time) => time > clock.now() - 1000).length
    const headers: Record<string, string> = {
      'x-hubspot-ratelimit-max': String(max),
      'x-hubspot-ratelimit-remaining': String(Math.max(0, max - used.length)),
      'x-hubspot-ratelimit-interval-milliseconds': '10000',
      'x-hubspot-ratelimit-secondly': String(secondly),
      'x-hubspot-ratelimit-secondly-remaining': String(Math.max(0, secondly - lastSecond)),
    }
    const today = daily(portal)
    if (isPrivate && access.kind !== 'oauth' && today.limit !== null) {
      headers['x-hubspot-ratelimit-daily'] = String(today.limit)
      headers['x-hubspot-ratelimit-daily-remaining'] = String(Math.max(0, today.limit - today.used))
    }
    return headers
  }

  return {
    limits,
    check,
    daily,
    clear() {
      windows.clear()
      days.clear()
      Object.assign(limits, DEFAULT_LIMITS)
    },
  }
}

// The bodies differ by policy. Whether a Retry-After comes with them is undocumented: a switch, or given by a fault.
export function limited(
  policy: Policy,
  group: string | null,
  quirks: Quirks,
  retryAfter: number | null,
): Reply {
  const word = { ten_secondly: 'ten_secondly_rolling', secondly: 'secondly', daily: 'daily' }[policy]
  const json: Record<string, unknown> = {
    status: 'error',
    message: `You have reached your ${word} limit.`,
    errorType: 'RATE_LIMIT',
    correlationId: '',
    policyName: word.toUpperCase(),
  }
  if (policy === 'daily') json.requestId = uuid()
  else json.groupName = group ?? `publicapi:${policy}`
  const reply = { ...problem(429, ''), json }
  return quirks.retry_after_on_429 && retryAfter !== null
    ? { ...reply, headers: { 'retry-after': String(retryAfter) } }
    : reply
}
