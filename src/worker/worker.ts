/**
 * The worker: runs streams, drains inboxes and sends webhooks when they are due, reads HubSpot's
 * journal, erases tenants, and deletes rows past their retention period.
 */
import type { Database } from '../db/database.ts'
import { withSystem } from '../db/scope.ts'
import type { DrainDependencies } from '../inbox/drain-step.ts'
import { countMissingWebhooks } from '../inbox/inbox-state-store.ts'
import { type ExpireDependencies, expireAuthorizations } from '../integrations/oauth/expire-authorizations.ts'
import { countJournalFailures } from '../journal/store.ts'
import type { Clock } from '../lib/clock.ts'
import type { Log } from '../lib/log.ts'
import type { Metrics } from '../lib/metrics.ts'
import type { SenderDependencies } from '../outbox/sender.ts'
import { countDueStreams } from '../sync/schedule-store.ts'
import { runDueWork } from './due-work.ts'
import { type EraserDependencies, eraseMarkedTenants } from './eraser.ts'
import { createHubSpotReturnHandler, probeHubSpotReturn } from './hubspot-return.ts'
import { inboxSource } from './inbox-drainer.ts'
import { type JournalReaderDependencies, journalLoops } from './journal-reader.ts'
import { type Bell, type Loop, runLoop } from './loop.ts'
import type { PollPeriods } from './poll-periods.ts'
import { type RetentionDependencies, runRetentionIfDue } from './retention.ts'
import { type SyncRunnerDependencies, syncSources } from './sync-runner.ts'
import { outboxSource } from './webhook-sender.ts'

export interface WorkerDependencies
  extends SyncRunnerDependencies,
    ExpireDependencies,
    EraserDependencies,
    RetentionDependencies,
    DrainDependencies,
    SenderDependencies {
  db: Database
  /** Rung by whatever makes work due in this process. */
  bell: Bell
  /** Absent: HubSpot's webhooks journal is not read. */
  journalWork: JournalReaderDependencies | undefined
  polls: PollPeriods
  clock: Clock
  metrics: Metrics
  log: Log
}

export interface Worker {
  /** Stops taking work; finishes or releases the work in progress. */
  stop(): Promise<void>
}

/** A gauge need not be exact beyond this. */
const maxCounted = 10_000

export function startWorker(given: WorkerDependencies): Worker {
  const deps = { ...given, onHubSpotReturn: createHubSpotReturnHandler(given) }
  const { db, polls } = deps
  const { disk } = db
  const sources = [...syncSources(deps), inboxSource(deps), outboxSource(deps)]
  const loops: Loop[] = [
    {
      name: 'hubspot_probe',
      everyMs: polls.probeMs,
      pass: () => probeHubSpotReturn(deps),
    },
    { name: 'counts', everyMs: polls.countMs, pass: () => countWaitingWork(deps) },
    {
      name: 'unconfirmed_grants',
      everyMs: polls.expireMs,
      pass: (signal) => expireAuthorizations(deps, signal),
    },
    {
      name: 'erasure',
      everyMs: polls.eraseMs,
      pass: (signal) => eraseMarkedTenants(deps, signal),
    },
    {
      name: 'retention',
      everyMs: polls.retentionMs,
      pass: (signal) => runRetentionIfDue(deps, signal),
    },
    ...(deps.journalWork ? journalLoops(deps.journalWork, polls) : []),
  ]
  const stopping = new AbortController()
  /**
   * Starts nothing that cannot be stored: when the disk is full all work ends, and it starts again
   * once there is space.
   */
  async function work(): Promise<void> {
    while (!stopping.signal.aborted) {
      const signal = disk ? AbortSignal.any([stopping.signal, disk.untilFull()]) : stopping.signal
      await Promise.all([
        runDueWork(deps, sources, polls.dueMs, signal),
        ...loops.map((loop) => runLoop(deps, loop, signal)),
      ])
      await disk?.untilFree(stopping.signal)
    }
  }
  const ended = work()
  return {
    async stop() {
      stopping.abort(new Error('the worker is stopping'))
      await ended
    },
  }
}

async function countWaitingWork({ db, metrics }: WorkerDependencies): Promise<void> {
  const counted = await withSystem(db, async (scope) => ({
    streams: await countDueStreams(scope, maxCounted),
    inboxes: await countMissingWebhooks(scope),
    failures: await countJournalFailures(scope),
  }))
  metrics.streamsDue.set(counted.streams)
  metrics.inboxesMissingWebhooks.set(counted.inboxes)
  metrics.journalFailures.set(counted.failures)
}
