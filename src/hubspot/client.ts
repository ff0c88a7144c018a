/** One call to HubSpot: a turn under the budget, a total deadline, a cap on the answer, and repeats by kind of error. */
import { Agent, request } from 'undici'
import { type Backoff, fullJitter } from '../lib/backoff.ts'
import type { Clock } from '../lib/clock.ts'
import type { Log } from '../lib/log.ts'
import type { Metrics } from '../lib/metrics.ts'
import type { Secret } from '../lib/secret.ts'
import type { Bucket, Budget, BudgetKey } from './budget.ts'
import { errorOf, HubSpotError, oauthErrorOf } from './errors.ts'

/** How long a caller can wait in all, repeats and turns included, and how often a call is sent at most. */
export interface Patience {
  tries: number
  totalMs: number
}

/** What a token opens and whose budget it spends. Made by `integrations/tokens.ts`. */
export interface Access extends BudgetKey {
  token: Secret
}

export interface Call {
  /** A short fixed name for logs and metrics; never holds an id. */
  endpoint: string
  method: 'GET' | 'POST' | 'DELETE'
  path: string
  query?: Record<string, string>
  /** Sent as JSON. */
  json?: unknown
  /** Sent as application/x-www-form-urlencoded: the OAuth endpoints. */
  form?: Record<string, string>
  token?: Secret
  /** The answer's body says nothing and may be missing. */
  bodyless?: boolean
  /** Absent: the call counts to no portal's budget (OAuth). */
  budget?: { key: BudgetKey; bucket: Bucket }
  patience: Patience
  signal: AbortSignal
}

export interface Answer {
  status: number
  body: unknown
  /** HubSpot's clock at this answer (its Date header): versions and windows are measured on it. */
  date: Date
}

export interface HubSpot {
  /** @throws HubSpotError; or the signal's reason when the caller gave up */
  call(call: Call): Promise<Answer>
  close(): Promise<void>
}

const maxBytes = 32 * 1024 * 1024
const repeatable = new Set(['rate_limited', 'unavailable', 'timeout', 'invalid'])
const outage: Backoff = { base: 500, cap: 15_000 }

/** HubSpot documents no Retry-After on 429, so each policy has a wait of its own; a daily stop is not waited out here. */
const policyWaitMs = { ten_secondly: 10_000, secondly: 1_000, unknown: 10_000, daily: 900_000 }

export function createHubSpot(parts: {
  apiUrl: string
  /** Total deadline of one try, body included, ms. */
  timeoutMs: number
  budget: Budget
  clock: Clock
  metrics: Metrics
  log: Log
}): HubSpot {
  const { apiUrl, budget, clock, metrics, log } = parts
  // Redirects are not followed (undici's request does not), and the origin is always the configured one.
  const agent = new Agent({ connections: 32, connect: { timeout: 5_000 }, keepAliveTimeout: 10_000 })

  async function once(call: Call, timeoutMs: number): Promise<Answer> {
    const deadline = AbortSignal.timeout(Math.ceil(timeoutMs))
    const started = clock.monotonic()
    let outcome = 'aborted'
    try {
      const answer = await send(call, AbortSignal.any([call.signal, deadline]))
      outcome = 'ok'
      return answer
    } catch (error) {
      call.signal.throwIfAborted()
      const failure = asHubSpotError(call.endpoint, error, deadline.aborted)
      outcome = failure.kind
      throw failure
    } finally {
      const ms = clock.monotonic() - started
      metrics.hubspotRequests.inc({ endpoint: call.endpoint, outcome })
      metrics.hubspotDuration.observe({ endpoint: call.endpoint }, ms / 1_000)
      log.debug(
        { endpoint: call.endpoint, method: call.method, path: call.path, outcome, ms: Math.round(ms) },
        'hubspot call',
      )
    }
  }

  async function send(call: Call, signal: AbortSignal): Promise<Answer> {
    const url = new URL(call.path, apiUrl)
    for (const [name, value] of Object.entries(call.query ?? {})) url.searchParams.set(name, value)
    const headers: Record<string, string> = { accept: 'application/json', 'accept-encoding': 'identity' }
    if (call.token) headers.authorization = `Bearer ${call.token.reveal()}`
    if (call.json !== undefined) headers['content-type'] = 'application/json'
    if (call.form) headers['content-type'] = 'application/x-www-form-urlencoded'
    const body = call.form
      ? new URLSearchParams(call.form).toString()
      : call.json === undefined
        ? null
        : JSON.stringify(call.json)
    const answer = await request(url, { dispatcher: agent, method: call.method, headers, body, signal })
    const parsed = parseJson(await readCapped(call.endpoint, answer.body))
    const status = answer.statusCode
    if (status >= 200 && status < 300) {
      if (parsed === undefined && status !== 204 && !call.bodyless)
        throw new HubSpotError('invalid', call.endpoint, { status })
      return { status, body: parsed, date: dateOf(answer.headers.date, clock) }
    }
    const retryAfter = [answer.headers['retry-after']].flat()[0]
    throw (call.form ? oauthErrorOf : errorOf)(call.endpoint, status, parsed, retryAfter)
  }

  /** How long to wait before the next try, or undefined to give up. */
  async function waitBefore(error: HubSpotError, call: Call, attempt: number): Promise<number | undefined> {
    if (!repeatable.has(error.kind)) return undefined
    if (error.kind !== 'rate_limited')
      return error.retryAfterMs ?? fullJitter(outage, attempt, clock.random())
    const policy = error.policy ?? 'unknown'
    metrics.hubspotRateLimited.inc({ policy })
    const wait = error.retryAfterMs ?? policyWaitMs[policy]
    // Everybody who spends this budget waits, not only this caller; the turn itself is then the wait.
    if (call.budget) await budget.pause(call.budget.key, call.budget.bucket, wait)
    return call.budget && wait <= call.patience.totalMs ? 0 : wait
  }

  return {
    async call(call) {
      const end = clock.monotonic() + call.patience.totalMs
      for (let attempt = 0; ; attempt++) {
        const left = end - clock.monotonic()
        if (call.budget)
          await budget.take(call.budget.key, call.budget.bucket, Math.max(0, left), call.signal)
        try {
          return await once(call, Math.max(1, Math.min(parts.timeoutMs, end - clock.monotonic())))
        } catch (error) {
          if (!(error instanceof HubSpotError)) throw error
          const wait = await waitBefore(error, call, attempt)
          const over =
            wait === undefined || attempt + 1 >= call.patience.tries || clock.monotonic() + wait >= end
          if (over) throw error
          await clock.sleep(wait, call.signal)
        }
      }
    },
    close: () => agent.destroy(),
  }
}

async function readCapped(endpoint: string, body: AsyncIterable<Buffer>): Promise<string> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of body) {
    size += chunk.length
    if (size > maxBytes) throw new HubSpotError('invalid', endpoint)
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString('utf8')
}

/** The value, or undefined when the text is no JSON (an error page of the edge, a cut body, nothing at all). */
function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

function dateOf(header: string | string[] | undefined, clock: Clock): Date {
  const ms = Date.parse([header].flat()[0] ?? '')
  return new Date(Number.isNaN(ms) ? clock.now() : ms)
}

/** Whatever the transport threw. Its own message may quote a request, so it stays in `cause` for the log alone. */
function asHubSpotError(endpoint: string, error: unknown, deadlinePassed: boolean): HubSpotError {
  if (error instanceof HubSpotError) return error
  return new HubSpotError(deadlinePassed ? 'timeout' : 'unavailable', endpoint, { cause: error })
}
