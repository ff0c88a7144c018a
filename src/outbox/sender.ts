/**
 * Sends what is due to one endpoint. Leases a delivery, sends it and records the result. If the
 * process dies in between, the delivery waits until the lease ends, and the receiver sees the same
 * id again.
 */
import type { ByteBudget } from '../api/byte-budget.ts'
import { type ReadIssues, withIssues } from '../changes/included-issues.ts'
import type { Database } from '../db/database.ts'
import { type TenantScope, withTenant } from '../db/scope.ts'
import type { TenantId } from '../db/tenant-id.ts'
import type { Clock } from '../lib/clock.ts'
import type { Log } from '../lib/log.ts'
import type { Metrics } from '../lib/metrics.ts'
import type { KeyRing } from '../lib/seal.ts'
import { webhookSignatureHeaders } from '../lib/standard-webhooks.ts'
import { attemptDelay } from './attempt-delay.ts'
import {
  type Delivery,
  type DeliveryOutcome,
  failDeliveries,
  releaseDelivery,
  saveAttempt,
  takeDeliveries,
} from './delivery-store.ts'
import { type Endpoint, productEndpoint } from './endpoint.ts'
import {
  disableEndpoint,
  lockEndpoint,
  openEndpoint,
  recordEndpointFailure,
  recordEndpointSuccess,
} from './endpoint-store.ts'
import { webhookPayload } from './payload.ts'
import type { AttemptResult, WebhookPoster } from './webhook-poster.ts'

export interface SenderDependencies {
  db: Database
  ring: KeyRing
  /** The product's own endpoint; undefined: it has none. */
  product: Endpoint | undefined
  /** One for tenants' endpoints, one for the product's. */
  posters: { tenants: WebhookPoster; product: WebhookPoster }
  /** A webhook stays in memory until it is delivered. */
  bytes: ByteBudget
  readIssues: ReadIssues
  clock: Clock
  metrics: Metrics
  log: Log
}

/** Per endpoint. */
const maxConcurrentDeliveries = 8
/** Longer than an attempt can take. */
const leaseMs = 60_000
/** After this long other endpoints get a worker. */
const sliceMs = 10_000

const permanentFailures = 2_000

/** Total size sent at once to one endpoint, unless a single change is longer. */
const usualBatchBytes = 256 * 1024
const memoryWaitMs = 10_000
/** A longer issue is not included: receivers limit what they accept. */
const maxIssueBytes = 256 * 1024

const endpointGoneMessage = 'the receiver wants no more webhooks (HTTP 410)'

/**
 * Sends until nothing is due or the time slice is over.
 *
 * @param signal aborts when the process stops: deliveries in flight are released
 * @returns how many were taken; 0 when everything due waits for an earlier change; 1 when the
 *   endpoint is gone or disabled
 */
export async function sendToEndpoint(
  deps: SenderDependencies,
  tenantId: TenantId,
  endpointId: string,
  signal: AbortSignal,
): Promise<number> {
  const { db, ring, clock } = deps
  const within = <T>(work: (scope: TenantScope) => Promise<T>) => withTenant(db, tenantId, work)
  const until = clock.monotonic() + sliceMs
  let taken = 0
  let bytes = usualBatchBytes
  while (!signal.aborted && clock.monotonic() < until) {
    const reservation = await deps.bytes.take(tenantId, bytes, signal, { maxWaitMs: memoryWaitMs })
    try {
      // Read the current address and secrets.
      const batch = await within(async (scope) => {
        const endpoint =
          endpointId === productEndpoint ? deps.product : await openEndpoint(scope, ring, endpointId)
        if (!endpoint) {
          await failDeliveries(
            scope,
            endpointId,
            'the endpoint no longer exists or is disabled',
            permanentFailures,
          )
          return undefined
        }
        const take = { inOrder: endpoint.inOrder, atMost: maxConcurrentDeliveries, bytes, leaseMs }
        const batch = await takeDeliveries(scope, endpointId, take)
        if (!endpoint.include.includes('issue')) return { endpoint, ...batch }
        const included = await includeIssues(scope, deps.readIssues, batch.deliveries)
        // Few bytes as a rule, and never more than eight of the longest issues.
        reservation.resize(2 * (bytes + included.bytes))
        return { endpoint, ...batch, deliveries: included.deliveries }
      })
      if (!batch) return 1
      const { endpoint, deliveries, tooLong } = batch
      bytes = tooLong ?? usualBatchBytes
      if (tooLong !== undefined) continue
      if (deliveries.length === 0) return taken
      taken += deliveries.length
      const sending = { ...deps, tenantId, endpoint, within, signal }
      const ends = await Promise.allSettled(deliveries.map((delivery) => sendDelivery(sending, delivery)))
      for (const end of ends) if (end.status === 'rejected') throw end.reason
    } finally {
      reservation.release()
    }
  }
  return taken
}

/** Adds the issues to the changes of a batch. @returns also how many bytes that added */
async function includeIssues(
  scope: TenantScope,
  readIssues: ReadIssues,
  deliveries: readonly Delivery[],
): Promise<{ deliveries: Delivery[]; bytes: number }> {
  const changes = deliveries.flatMap(({ change }) => (change ? { ...change, upTo: 0 } : []))
  const limits = { bytes: changes.length * maxIssueBytes, ofOne: maxIssueBytes }
  const found = await withIssues(scope, readIssues, changes, limits)
  const bySeq = new Map(found.map((change) => [change.seq, change]))
  return {
    deliveries: deliveries.map((one) => ({ ...one, change: bySeq.get(one.seq) })),
    bytes: found.at(-1)?.upTo ?? 0,
  }
}

interface SendContext extends SenderDependencies {
  tenantId: TenantId
  endpoint: Endpoint
  within<T>(work: (scope: TenantScope) => Promise<T>): Promise<T>
  signal: AbortSignal
}

async function sendDelivery(sending: SendContext, delivery: Delivery): Promise<void> {
  const { tenantId, endpoint, within, posters, clock, metrics, signal } = sending
  const { endpointId } = endpoint
  const { change } = delivery
  if (!change) {
    const attempt = { ms: 0, status: undefined, error: 'expired', response: undefined }
    const failureReason = 'the change is no longer retained'
    return await within((scope) => saveAttempt(scope, endpointId, delivery, attempt, { failureReason }))
  }
  const body = webhookPayload(tenantId, change)
  const headers = webhookSignatureHeaders(change.change_id, new Date(clock.now()), body, endpoint.secrets)
  const poster = endpointId === productEndpoint ? posters.product : posters.tenants
  let sent: AttemptResult
  try {
    sent = await poster.post(endpoint.url, headers, body, signal)
  } catch (error) {
    if (!signal.aborted) throw error
    // It is unknown whether it arrived: another process sends it again.
    return await within((scope) => releaseDelivery(scope, endpointId, delivery))
  }
  metrics.outboxSent.inc({ outcome: sent.outcome })
  metrics.outboxDuration.observe(sent.ms / 1_000)
  await saveResult(sending, delivery, sent)
}

async function saveResult(
  { endpoint, within, clock, log, tenantId }: SendContext,
  delivery: Delivery,
  sent: AttemptResult,
): Promise<void> {
  const { endpointId } = endpoint
  const next = outcomeOf(delivery, sent, clock.random())
  const disabled = await within(async (scope) => {
    if (endpointId !== productEndpoint && (next !== 'delivered' || endpoint.failing))
      await lockEndpoint(scope, endpointId)
    await saveAttempt(scope, endpointId, delivery, sent, next)
    // The product's own endpoint is never disabled: its operator is notified by metrics and log.
    if (endpointId === productEndpoint) return false
    if (next === 'delivered') {
      if (endpoint.failing) await recordEndpointSuccess(scope, endpointId)
      return false
    }
    const over = await recordEndpointFailure(scope, endpointId)
    if (sent.outcome === 'gone') return await disableEndpoint(scope, endpointId, endpointGoneMessage)
    return over && (await disableEndpoint(scope, endpointId, 'no delivery has succeeded for five days'))
  })
  const about = { tenant_id: tenantId, endpoint_id: endpointId }
  if (disabled) log.warn(about, 'an endpoint was disabled')
  if (next !== 'delivered' && 'failureReason' in next)
    log.warn(
      { ...about, reason: next.failureReason, status: sent.status },
      'a webhook could not be delivered',
    )
}

function outcomeOf(
  { attempt_count }: Delivery,
  { outcome, retryAfterMs }: AttemptResult,
  random: number,
): DeliveryOutcome {
  if (outcome === 'delivered') return 'delivered'
  if (outcome === 'gone') return { failureReason: endpointGoneMessage }
  const waitMs = attemptDelay(attempt_count + 1, retryAfterMs, random)
  return waitMs === undefined ? { failureReason: 'all attempts failed' } : { waitMs }
}
