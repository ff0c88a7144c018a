/** Several times a second: which inboxes are due? Those are drained, some at a time; a process that dies costs a lease. */

import { findDueLanes, type Lane } from '../inbox/claim-store.ts'
import { type DrainParts, drain } from '../inbox/drain.ts'
import { isTenantErasing } from '../lib/errors.ts'
import { withSystemOnce } from '../tenants/scope.ts'
import { parseTenantId } from '../tenants/tenant.ts'
import { createRest, lookUntil, type Rest } from './look.ts'

/** Of one process: fewer than its connections to the database, which whoever asks now needs as well. */
const atOnce = 8
/** Of one that has hardly time for anything else: what waits is read together later, and whoever asks now is answered. */
const atOnceWhenBusy = 3
const busyFrom = 0.7
/** A lane whose drain broke off unforeseen makes room for the others. */
const restMs = 5_000

interface Drains {
  /** By integration. */
  running: Map<string, Promise<void>>
  resting: Rest
  /** Found by the last look and not yet begun. */
  due: Lane[]
  isBusy: () => boolean
}

/** Goes on until the signal aborts, and ends when the last drain has. A look that fails is logged; the next tries again. */
export async function drainUntil(parts: DrainParts, signal: AbortSignal): Promise<void> {
  const drains: Drains = {
    running: new Map(),
    resting: createRest(parts.clock),
    due: [],
    isBusy: watchLoad(),
  }
  const looking = () =>
    look(parts, drains, signal).catch((err: unknown) =>
      parts.log.warn({ err }, 'the inbox could not be looked at'),
    )
  await lookUntil(parts.clock, looking, signal)
  await Promise.all(drains.running.values())
}

/** @returns whether the event loop had little time left, in the last stretch that is long enough to tell */
function watchLoad(): () => boolean {
  const stretchMs = 50
  let from = performance.eventLoopUtilization()
  let busy = false
  return () => {
    const { utilization, active, idle } = performance.eventLoopUtilization(from)
    if (active + idle >= stretchMs) {
      busy = utilization >= busyFrom
      from = performance.eventLoopUtilization()
    }
    return busy
  }
}

async function look(parts: DrainParts, drains: Drains, signal: AbortSignal): Promise<void> {
  const { running, resting } = drains
  if (running.size >= atOnce) return
  const most = 2 * atOnce + resting.size()
  const due = await withSystemOnce(parts.db, (scope) => findDueLanes(scope, parts.claimant, most))
  drains.due = due.filter(({ integrationId }) => !running.has(integrationId) && !resting.rests(integrationId))
  begin(parts, drains, signal)
}

/** Begins as many as there is room for; each that ends makes room for another. */
function begin(parts: DrainParts, drains: Drains, signal: AbortSignal): void {
  const { running, resting, due } = drains
  while (!signal.aborted && running.size < (drains.isBusy() ? atOnceWhenBusy : atOnce)) {
    const lane = due.shift()
    if (!lane) return
    const done = drainLane(parts, lane, signal)
      .catch(() => resting.rest(lane.integrationId, restMs))
      .finally(() => {
        running.delete(lane.integrationId)
        begin(parts, drains, signal)
      })
    running.set(lane.integrationId, done)
  }
}

/** One tenant's trouble is not the others'. */
async function drainLane(parts: DrainParts, { tenantId, integrationId }: Lane, signal: AbortSignal) {
  try {
    await drain(parts, parseTenantId(tenantId), integrationId, signal)
  } catch (err) {
    if (!isTenantErasing(err))
      parts.log.error(
        { err, tenant_id: tenantId, integration_id: integrationId },
        'an inbox could not be drained',
      )
    throw err
  }
}
