/** Several times a second: which inboxes are due? Those are drained, some at a time; a process that dies costs a lease. */
import { type DrainParts, drain } from '../inbox/drain.ts'
import { findDueLanes, type Lane } from '../inbox/store.ts'
import { isTenantErasing } from '../lib/errors.ts'
import { withSystem } from '../tenants/scope.ts'
import { parseTenantId } from '../tenants/tenant.ts'

/** No queue between: the rows are there, and one look at them costs less than a wake-up for each delivery. */
const everyMs = 200
/** Of one process: fewer than its connections to the database, which whoever asks now needs as well. */
const atOnce = 8
/** Of one that has hardly time for anything else: what waits is read together later, and whoever asks now is answered. */
const atOnceWhenBusy = 3
const busyFrom = 0.7
/** Whatever a look costs, it takes no more than so much of the time. */
const lookShare = 0.1
/** A lane whose drain broke off unforeseen makes room for the others. */
const restMs = 5_000

interface Drains {
  /** By integration. */
  running: Map<string, Promise<void>>
  resting: Map<string, number>
  /** Found by the last look and not yet begun. */
  due: Lane[]
  isBusy: () => boolean
}

/** Goes on until the signal aborts, and ends when the last drain has. A look that fails is logged; the next tries again. */
export async function drainUntil(parts: DrainParts, signal: AbortSignal): Promise<void> {
  const drains: Drains = { running: new Map(), resting: new Map(), due: [], isBusy: watchLoad() }
  while (!signal.aborted) {
    const began = parts.clock.monotonic()
    await look(parts, drains, signal).catch((err: unknown) =>
      parts.log.warn({ err }, 'the inbox could not be looked at'),
    )
    const tookMs = parts.clock.monotonic() - began
    await parts.clock.sleep(Math.max(everyMs, tookMs / lookShare), signal).catch(() => {})
  }
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
  const now = parts.clock.monotonic()
  for (const [id, until] of resting) if (until <= now) resting.delete(id)
  const most = 2 * atOnce + resting.size
  const due = await withSystem(parts.db, (scope) => findDueLanes(scope, parts.claimant, most))
  drains.due = due.filter(({ integrationId }) => !running.has(integrationId) && !resting.has(integrationId))
  begin(parts, drains, signal)
}

/** Begins as many as there is room for; each that ends makes room for another. */
function begin(parts: DrainParts, drains: Drains, signal: AbortSignal): void {
  const { running, resting, due } = drains
  while (!signal.aborted && running.size < (drains.isBusy() ? atOnceWhenBusy : atOnce)) {
    const lane = due.shift()
    if (!lane) return
    const done = drainLane(parts, lane, signal)
      .catch(() => void resting.set(lane.integrationId, parts.clock.monotonic() + restMs))
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
