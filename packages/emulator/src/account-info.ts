// Account information and the daily API usage of private apps.
import { instant } from './clock.ts'
import type { AccountCall } from './http/call.ts'
import type { Reply } from './http/reply.ts'
import type { Route } from './http/router.ts'
import { nextMidnight, offsetMinutes } from './time-zone.ts'

const BASE = '/account-info/{version:v3|2025-09|2026-03|2026-09}'

// Which scope is needed differs between HubSpot's own documents: a switch.
const accountScope: (call: {
  world: { quirks: { account_info_scope: string | null } }
}) => readonly string[] = ({ world }) =>
  world.quirks.account_info_scope === null ? [] : [world.quirks.account_info_scope]

export const accountInfoRoutes: readonly Route[] = [
  {
    method: 'GET',
    pattern: `${BASE}/details`,
    auth: 'bearer',
    bucket: 'general',
    scopes: accountScope,
    handle: details,
  },
  {
    method: 'GET',
    pattern: `${BASE}/api-usage/daily/private-apps`,
    auth: 'bearer',
    bucket: 'general',
    scopes: accountScope,
    handle: usage,
  },
]

function details({ portal, world }: AccountCall): Reply {
  const minutes = offsetMinutes(portal.time_zone, world.clock.now())
  const sign = minutes < 0 ? '-' : '+'
  const pad = (n: number) => String(n).padStart(2, '0')
  return {
    status: 200,
    json: {
      portalId: portal.portal_id,
      accountType: portal.account_type,
      timeZone: portal.time_zone,
      companyCurrency: portal.currency,
      additionalCurrencies: [],
      utcOffset: `${sign}${pad(Math.floor(Math.abs(minutes) / 60))}:${pad(Math.abs(minutes) % 60)}`,
      utcOffsetMilliseconds: minutes * 60_000,
      uiDomain: portal.ui_domain,
      dataHostingLocation: portal.hublet,
    },
  }
}

function usage({ portal, world }: AccountCall): Reply {
  const { used, limit } = world.rates.daily(portal)
  const now = world.clock.now()
  return {
    status: 200,
    json: {
      results: [
        {
          name: 'private-apps-api-calls-daily',
          usageLimit: limit ?? 0,
          currentUsage: used,
          collectedAt: instant(now),
          fetchStatus: 'SUCCESS',
          resetsAt: instant(nextMidnight(portal.time_zone, now)),
        },
      ],
    },
  }
}
