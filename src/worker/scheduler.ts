/** Polls every few seconds for streams to run: the schedule, lost wake-ups and dead processes. */
import type { Database } from '../db/database.ts'
import type { Claimant } from '../db/lease.ts'
import { withSystem, withTenant } from '../db/scope.ts'
import { parseTenantId } from '../db/tenant-id.ts'
import { countMissingWebhooks } from '../inbox/inbox-state-store.ts'
import { countJournalFailures } from '../journal/store.ts'
import type { Clock } from '../lib/clock.ts'
import { isTenantErasing } from '../lib/errors.ts'
import type { Log } from '../lib/log.ts'
import type { Metrics } from '../lib/metrics.ts'
import { requestScheduledRun, type SyncPeriods } from '../sync/requests.ts'
import { type DueStream, findDueStreams } from '../sync/store.ts'
import { probeHubSpotReturn } from './hubspot-return.ts'
import type { PollPeriods } from './poll-periods.ts'
import type { Queues } from './queues.ts'

export interface SchedulerDependencies {
  db: Database
  queues: Queues
  claimant: Claimant
  periods: SyncPeriods
  polls: PollPeriods
  clock: Clock
  metrics: Metrics
  log: Log
}

const maxStreams = 500
/** A wake-up that was lost between two processes is sent again after this time. */
const resendAfterMs = 30_000

/**
 * One wake-up per claim: claiming a stream advances its epoch, so that a claim that died never
 * suppresses the next wake-up.
 */
const dedupeKeyOf = ({ epoch }: DueStream, clock: Clock) =>
  `${epoch}/${Math.floor(clock.now() / resendAfterMs)}`

/** Polls until the signal aborts. A failed poll is logged and repeated. */
export async function runScheduler(deps: SchedulerDependencies, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    await runSchedulerPoll(deps, signal).catch((err: unknown) =>
      deps.log.warn({ err }, 'a scheduler poll failed'),
    )
    await deps.clock.sleep(deps.polls.scheduleMs, signal).catch(() => {})
  }
}

/**
 * One poll. Any number of processes may poll at once: schedule slots are claimed per row, and equal
 * wake-ups are merged.
 */
export async function runSchedulerPoll(deps: SchedulerDependencies, signal: AbortSignal): Promise<void> {
  const { db, queues, claimant, periods, clock, metrics, log } = deps
  const due = await withSystem(db, (scope) => findDueStreams(scope, claimant, maxStreams))
  let waiting = 0
  for (const stream of due) {
    if (signal.aborted) return
    try {
      const queued = stream.slot && (await claimSlot(db, stream, periods))
      if (!stream.run && !queued) continue
      waiting += 1
      await queues.wake(stream, dedupeKeyOf(stream, clock))
    } catch (err) {
      if (isTenantErasing(err)) continue
      // A failure of one tenant (a sealed value that does not open, a row deleted meanwhile) does
      // not affect the others.
      log.warn(
        { err, tenant_id: stream.tenantId, integration_id: stream.integrationId },
        'a stream could not be woken',
      )
    }
  }
  await probeHubSpotReturn(deps)
  metrics.streamsDue.set(waiting)
  const { inboxes, failures } = await withSystem(db, async (scope) => ({
    inboxes: await countMissingWebhooks(scope),
    failures: await countJournalFailures(scope),
  }))
  metrics.inboxesMissingWebhooks.set(inboxes)
  metrics.journalFailures.set(failures)
  for (const { queue, state, count } of await queues.depth()) metrics.queueDepth.set({ queue, state }, count)
}

const claimSlot = (db: Database, stream: DueStream, periods: SyncPeriods) =>
  withTenant(db, parseTenantId(stream.tenantId), (scope) => requestScheduledRun(scope, stream, periods))
