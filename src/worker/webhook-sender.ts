/** Polls for due endpoints several times a second; one that hangs delays only itself. */
import { withSystemOnce } from '../db/scope.ts'
import { parseTenantId } from '../db/tenant-id.ts'
import { isTenantErasing } from '../lib/errors.ts'
import { findDueEndpoints } from '../outbox/delivery-store.ts'
import { type SendParts, sendTo } from '../outbox/sender.ts'
import { createRest, lookUntil, type Rest } from './poll.ts'

/** Endpoints per process. Most of the time they wait for their receivers. */
const atOnce = 32
/** Cooldown of an endpoint whose sending failed unexpectedly, so that others can run. */
const restMs = 5_000
/** Endpoints per tenant, so that one tenant's receivers that hang do not block other tenants. */
const atOnceOfTenant = 4
const idleMs = 1_000

/** Runs until the signal aborts, and returns when the sends in progress have ended. */
export async function sendUntil(parts: SendParts, signal: AbortSignal): Promise<void> {
  const { clock, log } = parts
  const running = new Map<string, Promise<void>>()
  const resting = createRest(clock)
  const looking = () =>
    look(parts, running, resting, signal).catch((err: unknown) =>
      log.warn({ err }, 'the outbox could not be polled'),
    )
  await lookUntil(clock, looking, signal)
  await Promise.all(running.values())
}

async function look(
  parts: SendParts,
  running: Map<string, Promise<void>>,
  resting: Rest,
  signal: AbortSignal,
): Promise<void> {
  if (running.size >= atOnce) return
  const atMost = 2 * atOnce + running.size + resting.size()
  const due = await withSystemOnce(parts.db, (scope) =>
    findDueEndpoints(scope, { atMost, withProduct: parts.product !== undefined }),
  )
  const ofTenant = (id: string) => [...running.keys()].filter((key) => key.startsWith(id)).length
  for (const { tenantId, endpointId } of due) {
    if (signal.aborted || running.size >= atOnce) return
    const key = `${tenantId} ${endpointId}`
    if (running.has(key) || resting.rests(key) || ofTenant(tenantId) >= atOnceOfTenant) continue
    const done = sendTo(parts, parseTenantId(tenantId), endpointId, signal)
      .then((taken) => {
        // Everything due waits for an earlier delivery, which has its own time.
        if (taken === 0) resting.rest(key, idleMs)
      })
      .catch((err: unknown) => {
        resting.rest(key, restMs)
        if (!isTenantErasing(err))
          parts.log.error(
            { err, tenant_id: tenantId, endpoint_id: endpointId },
            'sending to an endpoint failed',
          )
      })
      .finally(() => running.delete(key))
    running.set(key, done)
  }
}
