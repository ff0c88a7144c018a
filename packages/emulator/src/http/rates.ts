// Rate limits: a rolling ten-second window per app and account, five searches a second, associations with a cap of
// their own, a daily count per account for pasted tokens; and the headers that tell how much is left.
import type { Clock } from '../clock.ts'
import type { Plan, Portal } from '../portals.ts'
import type { Quirks } from '../quirks.ts'
import { localDay } from '../time-zone.ts'
import type { Access } from '../token-types.ts'
import { limited } from './limited.ts'
import type { Reply } from './reply.ts'
import { createWindows } from './windows.ts'

export type Bucket = 'general' | 'search' | 'associations'

// null takes a limit away.
export type Limits = {
  enabled: boolean
  oauth_ten_secondly: number | null
  private_ten_secondly: Record<Plan, number> | number | null
  search_per_second: number | null
  associations_ten_secondly: Record<Plan, number> | number | null
  daily: Record<Plan, number> | number | null
}

export const DEFAULT_LIMITS: Readonly<Limits> = {
  enabled: true,
  oauth_ten_secondly: 110,
  private_ten_secondly: { starter: 100, professional: 190, enterprise: 190 },
  search_per_second: 5,
  associations_ten_secondly: { starter: 100, professional: 150, enterprise: 150 },
  daily: { starter: 250_000, professional: 625_000, enterprise: 1_000_000 },
}

const NO_HEADERS: Readonly<Record<string, string>> = {}

export type Verdict = { headers: Readonly<Record<string, string>>; refusal: Reply | null }

export type Rates = ReturnType<typeof createRates>

export function createRates(clock: Clock, quirks: Quirks) {
  const limits: Limits = { ...DEFAULT_LIMITS }
  const windows = createWindows(clock)
  const days = new Map<number, { day: string; used: number }>()

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

  function check(access: Access, portal: Portal, asked: Bucket): Verdict {
    if (!limits.enabled) return { headers: NO_HEADERS, refusal: null }
    const bucket = asked === 'associations' && quirks.associations_bucket === 'general' ? 'general' : asked
    // A privately distributed OAuth app has the limits of a private app.
    const pasted = access.kind !== 'oauth'
    const isPrivate = pasted || access.grant?.app.distribution === 'private'
    const name = pasted ? 'private_app' : 'oauth'
    const where = `${access.app_id}:${portal.portal_id}`
    const today = isPrivate ? daily(portal) : null
    const full = today !== null && today.limit !== null && today.used >= today.limit
    const max = isPrivate ? byPlan(limits.private_ten_secondly, portal) : limits.oauth_ten_secondly
    const verdict = (refusal: Reply | null): Verdict => ({
      headers: bucket === 'general' ? headersOf(access, portal, max, isPrivate) : NO_HEADERS,
      refusal,
    })
    if (full) return verdict(limited('daily', null, quirks, null))

    const { calls, searches } = portal.traffic
    // Whether the bucket of searches is the account's or each app's own is undocumented: a switch.
    const owner = quirks.search_bucket === 'app' ? where : String(portal.portal_id)
    const [key, span, most, foreign, group] =
      bucket === 'search'
        ? [
            `search ${owner}`,
            1000,
            limits.search_per_second,
            searches,
            `publicapi:crm:search:${name}:${where}`,
          ]
        : bucket === 'associations'
          ? [
              `associations ${where}`,
              10_000,
              byPlan(limits.associations_ten_secondly, portal),
              0,
              `publicapi:crm:associations:${name}:${where}`,
            ]
          : [`general ${where}`, 10_000, max, calls, `publicapi:${name}-api-calls-ten-secondly:${where}`]
    const taken = most !== null && windows.used(key, span) + foreign >= most
    // Whether a refused call counts is undocumented: a switch.
    if (most !== null && (!taken || quirks.refused_calls_count)) windows.take(key)
    if (isPrivate && (!taken || quirks.refused_calls_count)) countDaily(portal)
    if (!taken) return verdict(null)
    return verdict(
      bucket === 'search'
        ? limited('secondly', group, quirks, 1)
        : limited('ten_secondly', group, quirks, 10),
    )
  }

  // Searches and associations carry no such headers, and the daily ones are for pasted tokens only.
  function headersOf(
    access: Access,
    portal: Portal,
    max: number | null,
    isPrivate: boolean,
  ): Readonly<Record<string, string>> {
    if (max === null || !quirks.rate_headers) return NO_HEADERS
    const key = `general ${access.app_id}:${portal.portal_id}`
    const secondly = Math.floor(max / 10)
    const left = max - windows.used(key, 10_000) - portal.traffic.calls
    const headers: Record<string, string> = {
      'x-hubspot-ratelimit-max': String(max),
      'x-hubspot-ratelimit-remaining': String(Math.max(0, left)),
      'x-hubspot-ratelimit-interval-milliseconds': '10000',
      'x-hubspot-ratelimit-secondly': String(secondly),
      'x-hubspot-ratelimit-secondly-remaining': String(Math.max(0, secondly - windows.since(key, 1000))),
    }
    if (!isPrivate || access.kind === 'oauth') return headers
    const today = daily(portal)
    if (today.limit !== null) {
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
