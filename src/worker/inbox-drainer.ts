/** Several times a second: which inboxes are due? Those are drained, some at a time; a process that dies costs a lease. */
import { withSystemOnce } from '../db/scope.ts'
import { parseTenantId } from '../db/tenant-id.ts'
import { type DueInbox, findDueInboxes } from '../inbox/claim-store.ts'
import { type DrainParts, drain } from '../inbox/drain.ts'
import { isTenantErasing } from '../lib/errors.ts'
import { createRest, lookUntil, type Rest } from './poll.ts'

/**
 * Of one process. Most of a drain is waiting for HubSpot, so there is room for many; but where the processors are what is short,
 * each more takes from the others and from whoever asks now, and no more is drained: what waits is read together later.
 */
const most = 24
const least = 2
const busyFrom = 0.7
/** A look takes a few; where it takes so many, the database or the connections to it are what is short. */
const slowLookMs = 100
/** An inbox whose drain failed unexpectedly makes room for the others. */
const restMs = 5_000

interface Drains {
  /** By integration. */
  running: Map<string, Promise<void>>
  resting: Rest
  /** Found by the last look and not yet begun. */
  due: DueInbox[]
  /** How many may run. */
  room: number
  /** What the last look took. */
  lookedMs: number
  isBusy: () => boolean
}

/** Goes on until the signal aborts, and ends when the last drain has. A look that fails is logged; the next tries again. */
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
      parts.log.warn({ err }, 'the inbox could not be looked at'),
    )
  await lookUntil(parts.clock, looking, signal)
  await Promise.all(drains.running.values())
}

/** @returns whether the event loop had hardly time for more since it was asked last */
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
  // While it is full it is enough to know that some wait.
  if (running.size >= most || (running.size >= room && drains.due.length > 0)) return
  const began = parts.clock.monotonic()
  const atMost = 2 * most + resting.size()
  const due = await withSystemOnce(parts.db, (scope) => findDueInboxes(scope, parts.claimant, atMost))
  drains.lookedMs = parts.clock.monotonic() - began
  drains.due = due.filter(({ integrationId }) => !running.has(integrationId) && !resting.rests(integrationId))
  begin(parts, drains, signal)
}

/** One more where some have waited since the last look; half as many where time is short. */
export function nextRoom(room: number, someWait: boolean, isShort: boolean): number {
  if (isShort) return Math.max(least, room >> 1)
  return someWait ? Math.min(most, room + 1) : room
}

/** Begins as many as there is room for; each that ends makes room for another. */
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

/** One tenant's trouble is not the others'. */
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
