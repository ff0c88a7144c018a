// The request log and the counts: what was asked, by which kind of token, how it ended. Never a secret.
import type { Clock } from '../clock.ts'

export type Entry = {
  seq: number
  time: number
  at: string
  method: string
  path: string
  query: Record<string, string>
  endpoint: string | null
  portal_id: number | null
  token_kind: string | null
  app_id: number | null
  status: number
  bytes: number
  ms: number
  concurrent: number
  fault: string | null
  secret_in_url: boolean
}

export type Started = Pick<Entry, 'seq' | 'time' | 'concurrent'> & { since: number }

type GrantStats = {
  grant: string
  app_id: number
  portal_id: number
  refreshes: number
  ok: number
  running: number
  max_concurrent: number
}

const SECRET_NAMES =
  /^(code|code_verifier|client_secret|access_token|refresh_token|token|hapikey|secret|password)$/i
const KEEP = 100_000

export type RequestLog = ReturnType<typeof createRequestLog>

export function createRequestLog(clock: Clock) {
  let entries: Entry[] = []
  let seq = 0
  let running = 0
  let maxRunning = 0
  const counts = new Map<string, number>()
  const grants = new Map<string, GrantStats>()

  return {
    begin(): Started {
      seq += 1
      running += 1
      maxRunning = Math.max(maxRunning, running)
      return { seq, time: clock.now(), concurrent: running, since: performance.now() }
    },
    end(started: Started, rest: Omit<Entry, 'seq' | 'time' | 'at' | 'concurrent' | 'ms'>): void {
      running -= 1
      const { since, ...start } = started
      const ms = Math.round((performance.now() - since) * 10) / 10
      entries.push({ ...start, at: new Date(start.time).toISOString(), ms, ...rest })
      if (entries.length > KEEP) entries = entries.slice(KEEP / 10)
      const key = `${rest.method} ${rest.endpoint ?? '(no such path)'} ${rest.status}`
      counts.set(key, (counts.get(key) ?? 0) + 1)
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
    list(filter: { since?: number; path?: string; portal_id?: number; limit?: number } = {}): Entry[] {
      const { since = 0, path, portal_id, limit } = filter
      const found = entries.filter(
        (one) =>
          one.seq > since &&
          (!path || one.path.includes(path)) &&
          (!portal_id || one.portal_id === portal_id),
      )
      return limit === undefined ? found : found.slice(0, limit)
    },
    stats() {
      return {
        requests: [...counts.values()].reduce((sum, one) => sum + one, 0),
        in_flight: running,
        max_in_flight: maxRunning,
        by_endpoint: Object.fromEntries([...counts].sort()),
        refreshes: [...grants.values()].map(({ running: now, ...rest }) => ({ ...rest, in_flight: now })),
      }
    },
    clear(): void {
      entries = []
      counts.clear()
      maxRunning = running
      for (const [id, one] of grants) {
        if (one.running === 0) grants.delete(id)
        else Object.assign(one, { refreshes: one.running, ok: 0, max_concurrent: one.running })
      }
    },
  }
}

// A token in a URL lands in other people's logs. The log keeps that it happened, not what it was.
export function redact(
  path: string,
  query: URLSearchParams,
  isToken: (text: string) => boolean,
): { path: string; query: Record<string, string>; secret_in_url: boolean } {
  let secret = false
  const hide = (text: string) => {
    secret = true
    return text === '' ? '' : '[redacted]'
  }
  const shown = path.replace(
    /^(\/oauth\/v1\/(?:access|refresh)-tokens\/)([^/]+)/,
    (_all, start: string, token: string) => start + hide(token),
  )
  const safe = shown
    .split('/')
    .map((part) => (isToken(safeDecode(part)) ? hide(part) : part))
    .join('/')
  const shownQuery: Record<string, string> = {}
  for (const [name, value] of query) {
    const secretValue = SECRET_NAMES.test(name) || isToken(value)
    const text = secretValue ? hide(value) : value
    shownQuery[name] = name in shownQuery ? `${shownQuery[name]},${text}` : text
  }
  return { path: safe, query: shownQuery, secret_in_url: secret }
}

function safeDecode(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}
