/**
 * Sends what is due to one endpoint. A delivery is taken for a while, sent, and what came of it is kept; a process that dies in
 * between costs that while, and the receiver sees the same id again.
 */
import type { ByteBudget } from '../api/byte-budget.ts'
import type { Database } from '../db/database.ts'
import { type TenantScope, withTenant } from '../db/scope.ts'
import type { TenantId } from '../db/tenant-id.ts'
import type { Clock } from '../lib/clock.ts'
import type { Log } from '../lib/log.ts'
import type { Metrics } from '../lib/metrics.ts'
import type { KeyRing } from '../lib/seal.ts'
import { signatureHeaders } from '../lib/standard-webhooks.ts'
import {
  type Delivery,
  giveUpSome,
  keepAttempt,
  type Next,
  releaseDelivery,
  takeDeliveries,
} from './delivery-store.ts'
import { type Endpoint, productEndpoint } from './endpoint.ts'
import { disable, lockEndpoint, noteFailing, noteWorking, openEndpoint } from './endpoint-store.ts'
import { payloadOf } from './payload.ts'
import type { Poster, Sent } from './post.ts'
import { waitAfter } from './schedule.ts'

export interface SendParts {
  db: Database
  ring: KeyRing
  /** The product's own; undefined: it has none. */
  product: Endpoint | undefined
  /** To tenants' endpoints, and to the product's. */
  posters: { tenants: Poster; product: Poster }
  /** What is being sent lies in memory until it has arrived. */
  bytes: ByteBudget
  clock: Clock
  metrics: Metrics
  log: Log
}

/** To one endpoint. */
const atOnce = 8
/** Longer than a try can take. */
const leaseMs = 60_000
/** After this long others have their turn. */
const sliceMs = 10_000

const giveUpAtOnce = 2_000

/** What is sent at once to one endpoint, unless a single change is longer. */
const usualBytes = 256 * 1024
const patienceForRoomMs = 10_000

const wantsNoMore = 'the receiver wants no more (410)'

/**
 * @param signal aborts when the process stops: what is under way is given back
 * @returns how many were taken; none where all that is due waits for something before it
 */
export async function sendTo(
  parts: SendParts,
  tenantId: TenantId,
  endpointId: string,
  signal: AbortSignal,
): Promise<number> {
  const { db, ring, clock } = parts
  const within = <T>(work: (scope: TenantScope) => Promise<T>) => withTenant(db, tenantId, work)
  const until = clock.monotonic() + sliceMs
  let taken = 0
  let bytes = usualBytes
  while (!signal.aborted && clock.monotonic() < until) {
    const hold = await parts.bytes.take(tenantId, bytes, signal, { patienceMs: patienceForRoomMs })
    try {
      // Its address and secrets as they are now.
      const batch = await within(async (scope) => {
        const endpoint =
          endpointId === productEndpoint ? parts.product : await openEndpoint(scope, ring, endpointId)
        if (!endpoint) {
          await giveUpSome(scope, endpointId, 'the endpoint is gone or disabled', giveUpAtOnce)
          return undefined
        }
        const take = { inOrder: endpoint.inOrder, atMost: atOnce, bytes, leaseMs }
        return { endpoint, ...(await takeDeliveries(scope, endpointId, take)) }
      })
      if (!batch) return 1
      const { endpoint, deliveries, tooLong } = batch
      bytes = tooLong ?? usualBytes
      if (tooLong !== undefined) continue
      if (deliveries.length === 0) return taken
      taken += deliveries.length
      const sending = { ...parts, tenantId, endpoint, within, signal }
      const ends = await Promise.allSettled(deliveries.map((delivery) => sendOne(sending, delivery)))
      for (const end of ends) if (end.status === 'rejected') throw end.reason
    } finally {
      hold.release()
    }
  }
  return taken
}

interface Sending extends SendParts {
  tenantId: TenantId
  endpoint: Endpoint
  within<T>(work: (scope: TenantScope) => Promise<T>): Promise<T>
  signal: AbortSignal
}

async function sendOne(sending: Sending, delivery: Delivery): Promise<void> {
  const { tenantId, endpoint, within, posters, clock, metrics, signal } = sending
  const { endpointId } = endpoint
  const { change } = delivery
  if (!change) {
    const attempt = { ms: 0, status: undefined, error: 'expired', answer: undefined }
    const givenUpFor = 'the change is not kept any more'
    return await within((scope) => keepAttempt(scope, endpointId, delivery, attempt, { givenUpFor }))
  }
  const body = payloadOf(tenantId, change)
  const headers = signatureHeaders(change.changeId, new Date(clock.now()), body, endpoint.secrets)
  const poster = endpointId === productEndpoint ? posters.product : posters.tenants
  let sent: Sent
  try {
    sent = await poster.post(endpoint.url, headers, body, signal)
  } catch (error) {
    if (!signal.aborted) throw error
    // Nobody knows whether it arrived: another process sends it again.
    return await within((scope) => releaseDelivery(scope, endpointId, delivery))
  }
  metrics.outboxSent.inc({ outcome: sent.outcome })
  metrics.outboxDuration.observe(sent.ms / 1_000)
  await keep(sending, delivery, sent)
}

async function keep(
  { endpoint, within, clock, log, tenantId }: Sending,
  delivery: Delivery,
  sent: Sent,
): Promise<void> {
  const { endpointId } = endpoint
  const next = nextOf(delivery, sent, clock.random())
  const disabled = await within(async (scope) => {
    if (endpointId !== productEndpoint && (next !== 'delivered' || endpoint.failing))
      await lockEndpoint(scope, endpointId)
    await keepAttempt(scope, endpointId, delivery, sent, next)
    // The product's own is never disabled: whoever configured it is told by metrics and log.
    if (endpointId === productEndpoint) return false
    if (next === 'delivered') {
      if (endpoint.failing) await noteWorking(scope, endpointId)
      return false
    }
    const over = await noteFailing(scope, endpointId)
    if (sent.outcome === 'gone') return await disable(scope, endpointId, wantsNoMore)
    return over && (await disable(scope, endpointId, 'nothing has arrived for five days'))
  })
  const about = { tenant_id: tenantId, endpoint_id: endpointId }
  if (disabled) log.warn(about, 'an endpoint was disabled')
  if (next !== 'delivered' && 'givenUpFor' in next)
    log.warn({ ...about, reason: next.givenUpFor, status: sent.status }, 'a webhook was given up')
}

function nextOf({ tries }: Delivery, { outcome, retryAfterMs }: Sent, random: number): Next {
  if (outcome === 'delivered') return 'delivered'
  if (outcome === 'gone') return { givenUpFor: wantsNoMore }
  const waitMs = waitAfter(tries + 1, retryAfterMs, random)
  return waitMs === undefined ? { givenUpFor: 'tried often enough' } : { waitMs }
}
