/** Polls every few seconds for streams to run: the schedule, lost wake-ups and dead processes. */
import type { Database } from '../db/database.ts'
import type { Claimant } from '../db/lease.ts'
import { withSystem, withTenant } from '../db/scope.ts'
import { parseTenantId } from '../db/tenant-id.ts'
import { countSilent } from '../inbox/inbox-state-store.ts'
import { journalFailures } from '../journal/store.ts'
import type { Clock } from '../lib/clock.ts'
import { isTenantErasing } from '../lib/errors.ts'
import type { Log } from '../lib/log.ts'
import type { Metrics } from '../lib/metrics.ts'
import { type Periods, takeSlot } from '../sync/requests.ts'
import { type DueStream, findDue } from '../sync/store.ts'
import { probeHubSpot } from './hubspot-return.ts'
import type { Queues } from './queues.ts'

export interface SweepParts {
  db: Database
  queues: Queues
  claimant: Claimant
  periods: Periods
  clock: Clock
  metrics: Metrics
  log: Log
}

const everyMs = 4_000
const atOnce = 500
/** A wake-up that was lost between two processes is sent again after this time. */
const againAfterMs = 30_000

/**
 * One wake-up per claim: claiming a stream advances its epoch, so that a claim that died never
 * suppresses the next wake-up.
 */
const occasionOf = ({ epoch }: DueStream, clock: Clock) =>
  `${epoch}/${Math.floor(clock.now() / againAfterMs)}`

/** Polls until the signal aborts. A failed poll is logged and repeated. */
export async function sweepUntil(parts: SweepParts, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    await sweep(parts, signal).catch((err: unknown) => parts.log.warn({ err }, 'a scheduler poll failed'))
    await parts.clock.sleep(everyMs, signal).catch(() => {})
  }
}

/**
 * One poll. Any number of processes may poll at once: schedule slots are claimed per row, and equal
 * wake-ups are merged.
 */
export async function sweep(parts: SweepParts, signal: AbortSignal): Promise<void> {
  const { db, queues, claimant, periods, clock, metrics, log } = parts
  const due = await withSystem(db, (scope) => findDue(scope, claimant, atOnce))
  let waiting = 0
  for (const stream of due) {
    if (signal.aborted) return
    try {
      const queued = stream.slot && (await slotTaken(db, stream, periods))
      if (!stream.run && !queued) continue
      waiting += 1
      await queues.wake(stream, occasionOf(stream, clock))
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
  await probeHubSpot(parts)
  metrics.streamsDue.set(waiting)
  metrics.feedsSilent.set(await withSystem(db, countSilent))
  metrics.journalFailures.set(await withSystem(db, journalFailures))
  for (const { queue, state, count } of await queues.depth()) metrics.queueDepth.set({ queue, state }, count)
}

const slotTaken = (db: Database, stream: DueStream, periods: Periods) =>
  withTenant(db, parseTenantId(stream.tenantId), (scope) => takeSlot(scope, stream, periods))
