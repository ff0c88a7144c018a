/**
 * The worker: runs the due work and the loops that the features bring, retries after an outage of
 * HubSpot, counts what waits, and deletes rows past their retention period.
 */
import type { Feature } from '../api/feature.ts'
import { withSystem } from '../db/scope.ts'
import { type DueWorkDependencies, runDueWork } from './due-work.ts'
import { type HubSpotReturnDependencies, probeHubSpotReturn } from './hubspot-return.ts'
import { runLoop } from './loop.ts'
import type { PollPeriods } from './poll-periods.ts'
import { runRetentionIfDue } from './retention.ts'

export interface WorkerDependencies extends DueWorkDependencies, HubSpotReturnDependencies {
  features: readonly Feature[]
  polls: PollPeriods
}

export interface Worker {
  /** Stops taking work; finishes or releases the work in progress. */
  stop(): Promise<void>
}

export function startWorker(deps: WorkerDependencies): Worker {
  const { db, polls, features } = deps
  const { disk } = db
  const sources = features.flatMap(({ work = [] }) => work)
  const loops = [
    {
      name: 'hubspot_probe',
      everyMs: polls.probeMs,
      pass: () => probeHubSpotReturn(deps, polls.probeMs),
    },
    { name: 'counts', everyMs: polls.countMs, pass: () => countWaitingWork(deps) },
    {
      name: 'retention',
      everyMs: polls.retentionMs,
      pass: (signal: AbortSignal) => runRetentionIfDue(deps, signal),
    },
    ...features.flatMap((feature) => feature.loops ?? []),
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

async function countWaitingWork({ db, hooks }: WorkerDependencies): Promise<void> {
  await withSystem(db, async (scope) => {
    for (const { count } of hooks()) await count?.(scope)
  })
}
