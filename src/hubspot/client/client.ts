/**
 * Makes one call to HubSpot: a slot under the budget, a total deadline, a cap on the response, and
 * repeats by kind of error. Over 200 lines because these limits apply to the same call and depend
 * on each other.
 */
import { Agent } from 'undici'
import { abortable } from '../../lib/abortable.ts'
import type { Clock } from '../../lib/clock.ts'
import type { Log } from '../../lib/log.ts'
import type { Metrics } from '../../lib/metrics.ts'
import type { Egress } from '../../lib/proxy.ts'
import { type AppPause, appPauseMs } from '../budget/app-pause.ts'
import type { Budget, BudgetKey } from '../budget/budget.ts'
import { HubSpotError } from '../hubspot-error.ts'
import type { Credentials, HubSpotCall, HubSpotResponse } from './call.ts'
import { type CallEnd, type Circuits, createCircuits } from './circuit.ts'
import { createAppCaller } from './client-secret.ts'
import { createPageSizes } from './page-sizes.ts'
import { isTooSlow, retryDelay, wasReset } from './retry.ts'
import { type OnRateFacts, sendHubSpotRequest } from './send.ts'

export type { Credentials, HubSpotAccess, HubSpotCall, HubSpotResponse, RetryLimits } from './call.ts'

export interface HubSpot {
  /** @throws HubSpotError; or the signal's reason when the caller gave up */
  call(call: HubSpotCall): Promise<HubSpotResponse>
  /** How many of `wanted` records a call of this kind should request to be answered in time. */
  batchSizeFor(key: BudgetKey, endpoint: string, wanted: number): number
  close(): Promise<void>
}

/** How long an account is assumed to move when HubSpot does not say, ms. */
const defaultMoveMs = 60_000
/** An attempt with less time than this says nothing about HubSpot when it times out, ms. */
const minFairAttemptMs = 5_000

const connectTimeoutMs = 5_000

export function createHubSpot(deps: {
  apiUrl: string
  /** Total deadline of one attempt, body included, ms. */
  timeoutMs: number
  budget: Budget
  clock: Clock
  metrics: Metrics
  log: Log
  /** Absent: the client creates its own. */
  circuits?: Circuits
  /** Absent: every connection is direct. */
  egress?: Egress | undefined
  /** Absent: only the caller itself waits when HubSpot asks our app to. */
  appPause?: AppPause
}): HubSpot {
  const { apiUrl, budget, clock, metrics, log } = deps
  // Redirects are not followed (undici's request does not). The origin is the configured one,
  // except for an address that HubSpot gave (`send.ts`).
  const connect = deps.egress?.connector(connectTimeoutMs) ?? { timeout: connectTimeoutMs }
  const agent = new Agent({ connections: 32, connect, keepAliveTimeout: 10_000 })
  // Without pipelining a connection serves one call and closes, so these calls never meet a stale
  // socket.
  const fresh = new Agent({ connections: 8, connect, pipelining: 0 })
  const circuits = deps.circuits ?? createCircuits(clock, metrics)
  const sizes = createPageSizes(clock)
  const asApp = createAppCaller(log)

  async function once(call: HubSpotCall, timeoutMs: number, dispatcher: Agent): Promise<HubSpotResponse> {
    const deadline = AbortSignal.timeout(Math.ceil(timeoutMs))
    const started = clock.monotonic()
    let outcome = 'aborted'
    try {
      const signal = AbortSignal.any([call.signal, deadline])
      const sent = sendHubSpotRequest({ apiUrl, clock, heard: heardBy(call) }, call, signal, dispatcher)
      const answer = await abortable(sent, signal)
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

  /** A call that succeeded must not fail because the database cannot be updated. */
  function heardBy({ budget: spent }: HubSpotCall): OnRateFacts {
    return async (facts, at) => {
      if (!spent) return
      await budget
        .answered(spent.key, spent.bucket, facts, at)
        .catch((err: unknown) => log.warn({ err }, 'a rate budget could not be reopened'))
    }
  }

  /** Makes one attempt if the circuits allow it, and reports its result to them. */
  async function guarded(call: HubSpotCall, timeoutMs: number, dispatcher: Agent): Promise<HubSpotResponse> {
    const pass = circuits.enter(...circuitOf(call))
    if (typeof pass === 'number') throw circuitOpenError(call, pass)
    let end: CallEnd = 'unknown'
    let closedForMs: number | undefined
    const began = clock.monotonic()
    const { budget: spent, endpoint, records } = call
    try {
      const answer = await once(call, timeoutMs, dispatcher)
      end = 'passed'
      const share = (clock.monotonic() - began) / deps.timeoutMs
      if (spent && records) sizes.answered(spent.key.hubId, endpoint, records, share)
      return answer
    } catch (error) {
      if (error instanceof HubSpotError) {
        end = callEndOf(error, timeoutMs >= Math.min(deps.timeoutMs, minFairAttemptMs))
        if (spent && records && end === 'hung') sizes.tooSlow(spent.key.hubId, endpoint, records)
        if (error.status === 477) closedForMs = error.retryAfterMs ?? defaultMoveMs
      }
      throw error
    } finally {
      pass.end(end, closedForMs)
    }
  }

  /**
   * HubSpot's limit was reached. Every caller that spends this budget waits, not only this one. The
   * next slot is then the wait, unless it is further away than the caller can wait.
   */
  async function stopped(error: HubSpotError, call: HubSpotCall, waitMs: number, leftMs: number) {
    const policy = error.policy ?? 'unknown'
    metrics.hubspotRateLimited.inc({ policy })
    if (!call.budget) return { error, waitMs }
    const { key, bucket } = call.budget
    const asked = error.retryAfterMs !== undefined
    const opensIn = await budget.pause(key, bucket, { waitMs, policy, asked })
    // A caller that gives up learns when the budget opens, so that a run can release its worker
    // until then.
    const { endpoint, status, category } = error
    const facts = { category, policy, retryAfterMs: Math.ceil(opensIn), cause: error }
    return {
      error: new HubSpotError('rate_limited', endpoint, status === undefined ? facts : { ...facts, status }),
      waitMs: opensIn < leftMs ? 0 : opensIn,
    }
  }

  async function repeated(call: HubSpotCall, end: number): Promise<HubSpotResponse> {
    const left = () => end - clock.monotonic()
    let dispatcher = agent
    for (let attempt = 0; ; attempt++) {
      // Checked before a slot is taken, so that calls to an unavailable account use no budget.
      const closed = circuits.wait(...circuitOf(call))
      if (closed > 0) throw circuitOpenError(call, closed)
      if (call.budget) {
        const { key, bucket, priority = 'interactive' } = call.budget
        await budget.take(key, bucket, { priority, maxWaitMs: Math.max(0, left()) }, call.signal)
      }
      try {
        return await guarded(call, Math.max(1, Math.min(deps.timeoutMs, left())), dispatcher)
      } catch (failure) {
        if (!(failure instanceof HubSpotError)) throw failure
        let error = failure
        let wait = retryDelay(error, attempt, clock.random())
        if (wait !== undefined && error.kind === 'rate_limited')
          ({ error, waitMs: wait } = await stopped(error, call, wait, left()))
        // Repeat once immediately on a new connection. Not a token request: HubSpot may have
        // carried it out.
        if (wasReset(error) && dispatcher === agent && !call.form) {
          dispatcher = fresh
          wait = 0
        }
        const isLast = attempt + 1 >= call.retryLimits.maxAttempts || wait === undefined || wait >= left()
        // HubSpot's edge timed out each time: the size may be the cause.
        if (isLast && isTooSlow(error) && call.budget && call.records)
          sizes.tooSlow(call.budget.key.hubId, call.endpoint, call.records)
        // The same request would take as long again.
        const tooMany = error.kind === 'timeout' && (call.records ?? 1) > 1
        if (isLast || tooMany || wait === undefined) throw error
        await clock.sleep(wait, call.signal)
      }
    }
  }

  /** Delays our app's own calls for as long as HubSpot asked any of our processes to. */
  async function unlessPaused(
    { endpoint, retryLimits, signal }: HubSpotCall,
    { clientId }: Credentials,
    send: () => Promise<HubSpotResponse>,
  ): Promise<HubSpotResponse> {
    const { appPause } = deps
    if (!appPause) return await send()
    const wait = await appPause.remainingMs(clientId)
    if (wait >= retryLimits.totalMs) throw circuitOpenError({ endpoint }, wait)
    if (wait > 0) {
      // Spread the callers, and leave some of the time for the call itself.
      const spread = clock.random() * Math.min(spreadMs, (retryLimits.totalMs - wait) / 2)
      await clock.sleep(Math.ceil(wait + spread), signal)
    }
    try {
      return await send()
    } catch (error) {
      const pause = appPauseMs(error)
      if (pause !== undefined)
        await appPause
          .pause(clientId, pause)
          .catch((err: unknown) => log.warn({ err }, 'a pause that HubSpot requested could not be stored'))
      throw error
    }
  }

  return {
    async call(call) {
      const end = clock.monotonic() + call.retryLimits.totalMs
      const made = (one: HubSpotCall) => repeated(one, end)
      return await (call.app
        ? unlessPaused(call, call.app, () => asApp(call, call.app as Credentials, made))
        : made(call))
    },
    batchSizeFor: ({ hubId }, endpoint, wanted) => sizes.sizeFor(hubId, endpoint, wanted),
    async close() {
      await Promise.all([agent.destroy(), fresh.destroy()])
    },
  }
}

/** Callers that waited for the same pause are spread over this, ms. */
const spreadMs = 2_000

/** Calls for more records take longer, which says nothing about calls for fewer. */
const fewRecords = 20

/** An account's call also has its kind, so that a slow kind stops no other. */
const circuitOf = ({ budget, endpoint, records = 1 }: HubSpotCall): Parameters<Circuits['enter']> =>
  budget
    ? ['account', String(budget.key.hubId), records > fewRecords ? `${endpoint} page` : endpoint]
    : ['endpoint', endpoint]

const circuitOpenError = ({ endpoint }: Pick<HubSpotCall, 'endpoint'>, waitMs: number) =>
  new HubSpotError('unavailable', endpoint, {
    circuit: true,
    retryAfterMs: Math.max(1_000, Math.ceil(waitMs)),
  })

/**
 * What a failure says about whether HubSpot is available.
 *
 * @param fair whether the attempt had enough time
 */
function callEndOf({ kind, status }: HubSpotError, fair: boolean): CallEnd {
  if (kind === 'timeout') return fair ? 'hung' : 'unknown'
  // A 403 of this kind is a page of the edge, which blocks every caller behind our address.
  const unavailable = status === undefined || status >= 500 || status === 403
  return kind === 'unavailable' && unavailable ? 'failed' : 'passed'
}

/**
 * Wraps a transport error. Its message may quote a request, so it stays in `cause`, for the log
 * only.
 */
function asHubSpotError(endpoint: string, error: unknown, deadlinePassed: boolean): HubSpotError {
  if (error instanceof HubSpotError) return error
  return new HubSpotError(deadlinePassed ? 'timeout' : 'unavailable', endpoint, { cause: error })
}
