/** Polls for due inboxes and drains some at a time; a process that dies costs only a lease. */
import { withSystemStatement } from '../db/scope.ts'
import { parseTenantId } from '../db/tenant-id.ts'
import { type DueInbox, findDueInboxes } from '../inbox/claim-store.ts'
import { type DrainDependencies, drainInbox } from '../inbox/drain.ts'
import { isTenantErasing } from '../lib/errors.ts'
import { type Cooldowns, createCooldowns, pollUntil } from './poll.ts'
import type { PollPeriods } from './poll-periods.ts'

/**
 * Limits per process. A drain mostly waits for HubSpot, so many can run at once. If CPU time is
 * short, more drains only slow down each other and current API requests without draining more;
 * changes that wait are read together later.
 */
const maxDrains = 24
const minDrains = 2
const busyUtilization = 0.7
/**
 * A poll takes a few ms. If it takes this long, the database or its connections are the bottleneck.
 */
const slowPollMs = 100
/** Cooldown of an inbox whose drain failed unexpectedly, so that others can run. */
const cooldownMs = 5_000

interface Drains {
  /** By integration id. */
  running: Map<string, Promise<void>>
  cooldowns: Cooldowns
  /** Found by the last poll and not yet started. */
  due: DueInbox[]
  /** How many drains may run. */
  limit: number
  /** Duration of the last poll. */
  lastPollMs: number
  isBusy: () => boolean
}

/**
 * Runs until the signal aborts, and returns when the last drain has ended. A failed poll is logged
 * and repeated.
 */
export async function runInboxDrainer(
  deps: DrainDependencies & { polls: PollPeriods },
  signal: AbortSignal,
): Promise<void> {
  const drains: Drains = {
    running: new Map(),
    cooldowns: createCooldowns(deps.clock),
    due: [],
    limit: minDrains,
    lastPollMs: 0,
    isBusy: watchLoad(),
  }
  const pollOnce = () =>
    pollInboxes(deps, drains, signal).catch((err: unknown) =>
      deps.log.warn({ err }, 'the inbox could not be polled'),
    )
  await pollUntil(deps.clock, deps.polls.inboxMs, pollOnce, signal)
  await Promise.all(drains.running.values())
}

/** @returns whether the event loop has been almost fully busy since the last call */
function watchLoad(): () => boolean {
  let from = performance.eventLoopUtilization()
  return () => {
    const { utilization } = performance.eventLoopUtilization(from)
    from = performance.eventLoopUtilization()
    return utilization >= busyUtilization
  }
}

async function pollInboxes(deps: DrainDependencies, drains: Drains, signal: AbortSignal): Promise<void> {
  const { running, cooldowns } = drains
  const isShort = drains.isBusy() || drains.lastPollMs >= slowPollMs
  const limit = nextDrainLimit(drains.limit, drains.due.length > 0, isShort)
  drains.limit = limit
  drains.lastPollMs = 0
  // While all slots are in use, it is enough to know that some inboxes wait.
  if (running.size >= maxDrains || (running.size >= limit && drains.due.length > 0)) return
  const began = deps.clock.monotonic()
  const atMost = 2 * maxDrains + cooldowns.size()
  const due = await withSystemStatement(deps.db, (scope) => findDueInboxes(scope, deps.claimant, atMost))
  drains.lastPollMs = deps.clock.monotonic() - began
  drains.due = due.filter(
    ({ integrationId }) => !running.has(integrationId) && !cooldowns.isCoolingDown(integrationId),
  )
  startDrains(deps, drains, signal)
}

/**
 * Allows one more drain if inboxes have waited since the last poll; halves the number if resources
 * are short.
 */
export function nextDrainLimit(limit: number, someWait: boolean, isShort: boolean): number {
  if (isShort) return Math.max(minDrains, limit >> 1)
  return someWait ? Math.min(maxDrains, limit + 1) : limit
}

/** Starts as many drains as are allowed; each one that ends starts the next. */
function startDrains(deps: DrainDependencies, drains: Drains, signal: AbortSignal): void {
  const { running, cooldowns, due } = drains
  while (!signal.aborted && running.size < drains.limit) {
    const inbox = due.shift()
    if (!inbox) return
    const done = drainAndLog(deps, inbox, signal)
      .catch(() => cooldowns.start(inbox.integrationId, cooldownMs))
      .finally(() => {
        running.delete(inbox.integrationId)
        startDrains(deps, drains, signal)
      })
    running.set(inbox.integrationId, done)
  }
}

/** A failure of one tenant does not affect the others. */
async function drainAndLog(
  deps: DrainDependencies,
  { tenantId, integrationId }: DueInbox,
  signal: AbortSignal,
) {
  try {
    await drainInbox(deps, parseTenantId(tenantId), integrationId, signal)
  } catch (err) {
    if (!isTenantErasing(err))
      deps.log.error(
        { err, tenant_id: tenantId, integration_id: integrationId },
        'an inbox could not be drained',
      )
    throw err
  }
}
