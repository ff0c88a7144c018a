/** Several times a second: which inboxes are due? Those are drained, some at a time; a process that dies costs a lease. */
import { type DrainParts, drain } from '../inbox/drain.ts'
import { findDueLanes, type Lane } from '../inbox/store.ts'
import { isTenantErasing } from '../lib/errors.ts'
import { withSystem } from '../tenants/scope.ts'
import { parseTenantId } from '../tenants/tenant.ts'

/** No queue between: the rows are there, and one look at them costs less than a wake-up for each delivery. */
const everyMs = 200
/** Of one process. */
const atOnce = 8
/** Whatever a look costs, it takes no more than so much of the time. */
const lookShare = 0.1
/** A lane whose drain broke off unforeseen makes room for the others. */
const restMs = 5_000

/** Goes on until the signal aborts, and ends when the last drain has. A look that fails is logged; the next tries again. */
export async function drainUntil(parts: DrainParts, signal: AbortSignal): Promise<void> {
  const running = new Map<string, Promise<void>>()
  const resting = new Map<string, number>()
  while (!signal.aborted) {
    const began = parts.clock.monotonic()
    await look(parts, running, resting, signal).catch((err: unknown) =>
      parts.log.warn({ err }, 'the inbox could not be looked at'),
    )
    const tookMs = parts.clock.monotonic() - began
    await parts.clock.sleep(Math.max(everyMs, tookMs / lookShare), signal).catch(() => {})
  }
  await Promise.all(running.values())
}

async function look(
  parts: DrainParts,
  running: Map<string, Promise<void>>,
  resting: Map<string, number>,
  signal: AbortSignal,
): Promise<void> {
  if (running.size >= atOnce) return
  const now = parts.clock.monotonic()
  for (const [id, until] of resting) if (until <= now) resting.delete(id)
  const most = 2 * atOnce + resting.size
  const due = await withSystem(parts.db, (scope) => findDueLanes(scope, parts.claimant, most))
  for (const lane of due) {
    if (signal.aborted || running.size >= atOnce) return
    if (running.has(lane.integrationId) || resting.has(lane.integrationId)) continue
    const done = drainLane(parts, lane, signal)
      .catch(() => void resting.set(lane.integrationId, parts.clock.monotonic() + restMs))
      .finally(() => running.delete(lane.integrationId))
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
