/** Several times a second: which endpoints are to be told of something? Some at a time are; one that hangs holds up itself. */
import { withSystemOnce } from '../db/scope.ts'
import { parseTenantId } from '../db/tenant-id.ts'
import { isTenantErasing } from '../lib/errors.ts'
import { findDueEndpoints } from '../outbox/delivery-store.ts'
import { type SendParts, sendTo } from '../outbox/sender.ts'
import { createRest, lookUntil, type Rest } from './poll.ts'

/** Endpoints of one process. Most of the time they wait for their receivers. */
const atOnce = 32
/** One whose sending broke off unforeseen makes room for the others. */
const restMs = 5_000
/** One tenant's receivers that hang leave room for the others'. */
const atOnceOfTenant = 4
const idleMs = 1_000

/** Goes on until the signal aborts, and ends when what is under way has. */
export async function sendUntil(parts: SendParts, signal: AbortSignal): Promise<void> {
  const { clock, log } = parts
  const running = new Map<string, Promise<void>>()
  const resting = createRest(clock)
  const looking = () =>
    look(parts, running, resting, signal).catch((err: unknown) =>
      log.warn({ err }, 'the outbox could not be looked at'),
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
        // All that is due waits for something before it, which has a time of its own.
        if (taken === 0) resting.rest(key, idleMs)
      })
      .catch((err: unknown) => {
        resting.rest(key, restMs)
        if (!isTenantErasing(err))
          parts.log.error(
            { err, tenant_id: tenantId, endpoint_id: endpointId },
            'an endpoint could not be sent to',
          )
      })
      .finally(() => running.delete(key))
    running.set(key, done)
  }
}
