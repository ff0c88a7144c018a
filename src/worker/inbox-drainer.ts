/** Polls for due inboxes and drains some at a time; a process that dies costs only a lease. */
import { withSystemOnce } from '../db/scope.ts'
import { parseTenantId } from '../db/tenant-id.ts'
import { type DueInbox, findDueInboxes } from '../inbox/claim-store.ts'
import { type DrainParts, drain } from '../inbox/drain.ts'
import { isTenantErasing } from '../lib/errors.ts'
import { createRest, lookUntil, type Rest } from './poll.ts'

/**
 * Limits per process. A drain mostly waits for HubSpot, so many can run at once. If CPU time is
 * short, more drains only slow down each other and current API requests without draining more;
 * changes that wait are read together later.
 */
const most = 24
const least = 2
const busyFrom = 0.7
/**
 * A poll takes a few ms. If it takes this long, the database or its connections are the bottleneck.
 */
const slowLookMs = 100
/** Cooldown of an inbox whose drain failed unexpectedly, so that others can run. */
const restMs = 5_000

interface Drains {
  /** By integration id. */
  running: Map<string, Promise<void>>
  resting: Rest
  /** Found by the last poll and not yet started. */
  due: DueInbox[]
  /** How many drains may run. */
  room: number
  /** Duration of the last poll. */
  lookedMs: number
  isBusy: () => boolean
}

/**
 * Runs until the signal aborts, and returns when the last drain has ended. A failed poll is logged
 * and repeated.
 */
export async function drainUntil(parts: DrainParts, signal: AbortSignal): Promise<void> {
  const drains: Drains = {
    running: new Map(),
    resting: createRest(parts.clock),
    due: [],
    room: least,
    lookedMs: 0,
    isBusy: watchLoad(),
  }
  const looking = () =>
    look(parts, drains, signal).catch((err: unknown) =>
      parts.log.warn({ err }, 'the inbox could not be polled'),
    )
  await lookUntil(parts.clock, looking, signal)
  await Promise.all(drains.running.values())
}

/** @returns whether the event loop has been almost fully busy since the last call */
function watchLoad(): () => boolean {
  let from = performance.eventLoopUtilization()
  return () => {
    const { utilization } = performance.eventLoopUtilization(from)
    from = performance.eventLoopUtilization()
    return utilization >= busyFrom
  }
}

async function look(parts: DrainParts, drains: Drains, signal: AbortSignal): Promise<void> {
  const { running, resting } = drains
  const isShort = drains.isBusy() || drains.lookedMs >= slowLookMs
  const room = nextRoom(drains.room, drains.due.length > 0, isShort)
  drains.room = room
  drains.lookedMs = 0
  // While all slots are in use, it is enough to know that some inboxes wait.
  if (running.size >= most || (running.size >= room && drains.due.length > 0)) return
  const began = parts.clock.monotonic()
  const atMost = 2 * most + resting.size()
  const due = await withSystemOnce(parts.db, (scope) => findDueInboxes(scope, parts.claimant, atMost))
  drains.lookedMs = parts.clock.monotonic() - began
  drains.due = due.filter(({ integrationId }) => !running.has(integrationId) && !resting.rests(integrationId))
  begin(parts, drains, signal)
}

/**
 * Allows one more drain if inboxes have waited since the last poll; halves the number if resources
 * are short.
 */
export function nextRoom(room: number, someWait: boolean, isShort: boolean): number {
  if (isShort) return Math.max(least, room >> 1)
  return someWait ? Math.min(most, room + 1) : room
}

/** Starts as many drains as are allowed; each one that ends starts the next. */
function begin(parts: DrainParts, drains: Drains, signal: AbortSignal): void {
  const { running, resting, due } = drains
  while (!signal.aborted && running.size < drains.room) {
    const inbox = due.shift()
    if (!inbox) return
    const done = drainInbox(parts, inbox, signal)
      .catch(() => resting.rest(inbox.integrationId, restMs))
      .finally(() => {
        running.delete(inbox.integrationId)
        begin(parts, drains, signal)
      })
    running.set(inbox.integrationId, done)
  }
}

/** A failure of one tenant does not affect the others. */
async function drainInbox(parts: DrainParts, { tenantId, integrationId }: DueInbox, signal: AbortSignal) {
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
