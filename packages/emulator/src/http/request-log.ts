// The request log and the counts: what was asked, by which kind of token, how it ended. Never a secret. The log is the
// last 200,000 requests; the counts are of all since they were cleared.
import type { Clock } from '../clock.ts'
import { redact } from './redact.ts'
import { createRing } from './ring.ts'

type Kept = {
  seq: number
  time: number
  method: string
  // As it came; what is shown of it is made safe when somebody looks.
  url: string
  endpoint: string | null
  portal_id: number | null
  token_kind: string | null
  app_id: number | null
  status: number
  bytes: number
  ms: number
  concurrent: number
  fault: string | null
}

export type Entry = Omit<Kept, 'url'> & {
  at: string
  path: string
  query: Record<string, string>
  secret_in_url: boolean
}

export type Started = Pick<Kept, 'seq' | 'time' | 'concurrent'> & { since: number }

type GrantStats = {
  grant: string
  app_id: number
  portal_id: number
  refreshes: number
  ok: number
  running: number
  max_concurrent: number
}

type Filter = { since?: number; path?: string; portal_id?: number; limit?: number }

const KEEP = 200_000
// Long lists of properties stand in URLs: the log may not grow with them.
const KEEP_CHARACTERS = 40_000_000

export type RequestLog = ReturnType<typeof createRequestLog>

export function createRequestLog(
  clock: Clock,
  isToken: (text: string) => boolean,
  keep = KEEP,
  characters = KEEP_CHARACTERS,
) {
  const entries = createRing<Kept>(keep, characters, (one) => one.url.length)
  let seq = 0
  let running = 0
  let maxRunning = 0
  const counts = new Map<string, Map<number | null, number>>()
  const grants = new Map<string, GrantStats>()

  function show({ url, ...one }: Kept): Entry {
    const mark = url.indexOf('?')
    const path = mark < 0 ? url : url.slice(0, mark)
    const shown = redact(path, new URLSearchParams(mark < 0 ? '' : url.slice(mark + 1)), isToken)
    return { ...one, at: new Date(one.time).toISOString(), ...shown }
  }

  return {
    begin(): Started {
      seq += 1
      running += 1
      maxRunning = Math.max(maxRunning, running)
      return { seq, time: clock.now(), concurrent: running, since: performance.now() }
    },
    end({ since, ...start }: Started, rest: Omit<Kept, 'seq' | 'time' | 'concurrent' | 'ms'>): void {
      running -= 1
      const ms = Math.round((performance.now() - since) * 10) / 10
      entries.push({ ...start, ms, ...rest })
      const key = `${rest.method} ${rest.endpoint ?? '(no such path)'} ${rest.status}`
      const portals = counts.get(key) ?? new Map<number | null, number>()
      counts.set(key, portals)
      portals.set(rest.portal_id, (portals.get(rest.portal_id) ?? 0) + 1)
    },
    refreshBegins(grant: string, app_id: number, portal_id: number): void {
      const stats = grants.get(grant) ?? {
        grant,
        app_id,
        portal_id,
        refreshes: 0,
        ok: 0,
        running: 0,
        max_concurrent: 0,
      }
      stats.refreshes += 1
      stats.running += 1
      stats.max_concurrent = Math.max(stats.max_concurrent, stats.running)
      grants.set(grant, stats)
    },
    refreshEnds(grant: string, ok: boolean): void {
      const stats = grants.get(grant)
      if (!stats) return
      stats.running -= 1
      if (ok) stats.ok += 1
    },
    list({ since = 0, path, portal_id, limit }: Filter = {}): Entry[] {
      const found: Entry[] = []
      for (const one of entries) {
        if (limit !== undefined && found.length >= limit) break
        if (one.seq <= since || (portal_id && one.portal_id !== portal_id)) continue
        if (path && !one.url.includes(path) && !path.includes('[')) continue
        const shown = show(one)
        if (!path || shown.path.includes(path)) found.push(shown)
      }
      return found
    },
    // Of all portals, or of one.
    stats(portal_id?: number) {
      const byEndpoint: Record<string, number> = {}
      const byStatus: Record<string, number> = {}
      const byPortal: Record<string, number> = {}
      let requests = 0
      for (const [key, portals] of [...counts].sort(([a], [b]) => (a < b ? -1 : 1))) {
        const status = key.slice(key.lastIndexOf(' ') + 1)
        for (const [portal, count] of portals) {
          if (portal_id !== undefined && portal !== portal_id) continue
          requests += count
          byEndpoint[key] = (byEndpoint[key] ?? 0) + count
          byStatus[status] = (byStatus[status] ?? 0) + count
          if (portal !== null) byPortal[portal] = (byPortal[portal] ?? 0) + count
        }
      }
      return {
        requests,
        in_flight: running,
        max_in_flight: maxRunning,
        by_endpoint: byEndpoint,
        by_status: byStatus,
        by_portal: byPortal,
        refreshes: [...grants.values()]
          .filter((one) => portal_id === undefined || one.portal_id === portal_id)
          .map(({ running: now, ...rest }) => ({ ...rest, in_flight: now })),
      }
    },
    clear(): void {
      entries.clear()
      counts.clear()
      maxRunning = running
      for (const [id, one] of grants) {
        if (one.running === 0) grants.delete(id)
        else Object.assign(one, { refreshes: one.running, ok: 0, max_concurrent: one.running })
      }
    },
  }
}
