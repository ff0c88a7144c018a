/** Calls Spoke over HTTP as any program would: JSON in, JSON out, every wait bounded. For the demo and the live test. */
import { setTimeout as sleep } from 'node:timers/promises'

export interface Answer {
  status: number
  headers: Headers
  text: string
  // The callers read the fields that they need and fail by name when one is missing.
  // biome-ignore lint/suspicious/noExplicitAny: answers of many shapes are read here
  body: any
}

export type Api = ReturnType<typeof createApi>

/**
 * @param base without a slash at its end
 * @param key sent to Spoke alone; absent: open mode
 */
export function createApi(base: string, signal: AbortSignal, key?: string) {
  async function ask(method: string, path: string, body?: unknown, withinMs = 30_000): Promise<Answer> {
    const foreign = path.startsWith('http')
    const response = await fetch(foreign ? path : `${base}${path}`, {
      method,
      redirect: 'manual',
      signal: AbortSignal.any([signal, AbortSignal.timeout(withinMs)]),
      headers: {
        ...(key && !foreign ? { authorization: `Bearer ${key}` } : {}),
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })
    const text = await response.text()
    const isJson = response.headers.get('content-type')?.includes('json')
    return {
      status: response.status,
      headers: response.headers,
      text,
      body: isJson ? JSON.parse(text) : undefined,
    }
  }

  /** The response if it has the expected status. @throws Error with Spoke's message otherwise */
  async function expect(status: number, method: string, path: string, body?: unknown): Promise<Answer> {
    let answer = await ask(method, path, body)
    // A busy machine; nothing was done, and Spoke returns when to retry.
    for (let tries = 1; answer.body?.code === 'overloaded' && tries < 10; tries++) {
      const seconds = Math.min(Number(answer.headers.get('retry-after') ?? 1), 5)
      await sleep(seconds * 1_000, undefined, { signal })
      answer = await ask(method, path, body)
    }
    if (answer.status === status) return answer
    const why = answer.body?.error ?? answer.text.slice(0, 200)
    throw new Error(`${method} ${path} answered ${answer.status} and not ${status}: ${why}`)
  }

  return {
    get: (path: string, status = 200) => expect(status, 'GET', path),
    post: (path: string, body: unknown, status: number) => expect(status, 'POST', path, body),
    /** With any status. */
    getAny: (path: string) => ask('GET', path),

    /** Follows a run by its server-sent events until it ends; gives its last state. */
    async follow(runPath: string, onProgress: (run: Run) => void): Promise<Run> {
      let last: Run | undefined
      const response = await fetch(`${base}${runPath}/events`, { signal })
      if (!response.ok || !response.body) throw new Error(`GET ${runPath}/events answered ${response.status}`)
      let rest = ''
      for await (const chunk of response.body.pipeThrough(new TextDecoderStream())) {
        const events = `${rest}${chunk}`.split('\n\n')
        rest = events.pop() ?? ''
        for (const event of events) {
          const data = /^data: (.*)$/m.exec(event)?.[1]
          if (data === undefined) continue
          last = JSON.parse(data) as Run
          onProgress(last)
        }
      }
      if (!last || last.finished_at === null) throw new Error('the events ended before the run did')
      return last
    },

    /** All issues of a tenant, by HubSpot's ticket id. */
    async issues(tenantId: string): Promise<Map<string, Issue>> {
      const found = new Map<string, Issue>()
      for (let after = ''; ; ) {
        const { body } = await expect(200, 'GET', `/api/hubspot/issues/${tenantId}?limit=200${after}`)
        for (const issue of body.issues as Issue[]) found.set(issue.ticket_id, issue)
        if (body.next_after === null) return found
        after = `&after=${encodeURIComponent(body.next_after)}`
      }
    },
  }
}

export interface Run {
  sync_event_id: string
  sync_type: 'full' | 'incremental'
  trigger: string
  state: string
  total: number | null
  done: number
  inserted: number
  archived: number
  changed: number
  unchanged: number
  failed: number
  rate_per_second: number | null
  waiting_for: string | null
  error: string | null
  finished_at: string | null
}

export interface Issue {
  issue_id: string
  integration_id: string
  ticket_id: string
  subject: string | null
  priority: string | null
  modified_at: string
  synced_at: string
}
