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

/** Goes on until the signal aborts, and ends when the last drain has. A look that fails is logged; the next tries again. */
export async function drainUntil(parts: DrainParts, signal: AbortSignal): Promise<void> {
  const running = new Map<string, Promise<void>>()
  while (!signal.aborted) {
    await look(parts, running, signal).catch((err: unknown) =>
      parts.log.warn({ err }, 'the inbox could not be looked at'),
    )
    await parts.clock.sleep(everyMs, signal).catch(() => {})
  }
  await Promise.all(running.values())
}

async function look(
  parts: DrainParts,
  running: Map<string, Promise<void>>,
  signal: AbortSignal,
): Promise<void> {
  if (running.size >= atOnce) return
  const due = await withSystem(parts.db, (scope) => findDueLanes(scope, parts.claimant, 2 * atOnce))
  for (const lane of due) {
    if (signal.aborted || running.size >= atOnce) return
    if (running.has(lane.integrationId)) continue
    const done = drainLane(parts, lane, signal).finally(() => running.delete(lane.integrationId))
    running.set(lane.integrationId, done)
  }
}

/** One tenant's trouble is not the others'. */
async function drainLane(parts: DrainParts, { tenantId, integrationId }: Lane, signal: AbortSignal) {
  try {
    await drain(parts, parseTenantId(tenantId), integrationId, signal)
  } catch (err) {
    if (isTenantErasing(err)) return
    parts.log.error(
      { err, tenant_id: tenantId, integration_id: integrationId },
      'an inbox could not be drained',
    )
  }
}
