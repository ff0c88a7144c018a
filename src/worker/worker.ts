/**
 * The worker: runs streams when woken, polls for missed work, reads HubSpot's journal, drains
 * inboxes, sends webhooks, erases tenants, and deletes rows past their retention period.
 */
import { isDiskFull } from '../db/database-errors.ts'
import { parseTenantId } from '../db/tenant-id.ts'
import type { DrainDependencies } from '../inbox/drain.ts'
import type { ExpireDependencies } from '../integrations/oauth/expire-authorizations.ts'
import { isTenantErasing } from '../lib/errors.ts'
import { newId } from '../lib/ids.ts'
import type { Log } from '../lib/log.ts'
import type { SenderDependencies } from '../outbox/sender.ts'
import type { ObjectKind } from '../sync/object-kind.ts'
import { type RunDependencies, runStream } from '../sync/run-stream.ts'
import { runAuthorizationExpiry } from './authorization-expiry.ts'
import { type EraserDependencies, runEraser } from './eraser.ts'
import { createHubSpotReturnHandler } from './hubspot-return.ts'
import { runInboxDrainer } from './inbox-drainer.ts'
import { type JournalReaderDependencies, runJournalReader } from './journal-reader.ts'
import type { SyncJob } from './queues.ts'
import { type RetentionDependencies, runRetention } from './retention.ts'
import { runScheduler, type SchedulerDependencies } from './scheduler.ts'
import { runWebhookSender } from './webhook-sender.ts'

export interface WorkerDependencies
  extends RunDependencies,
    SchedulerDependencies,
    ExpireDependencies,
    EraserDependencies,
    RetentionDependencies,
    DrainDependencies,
    SenderDependencies {
  kinds: readonly ObjectKind[]
  concurrency: number
  /** Absent: HubSpot's webhooks journal is not read. */
  journalWork: JournalReaderDependencies | undefined
  log: Log
}

export interface Worker {
  /** Stops taking work; finishes or releases the page in progress. */
  stop(timeoutMs: number): Promise<void>
}

export async function startWorker(given: WorkerDependencies): Promise<Worker> {
  const deps = { ...given, onHubSpotReturn: createHubSpotReturnHandler(given) }
  const { queues, log } = deps
  const { disk } = deps.db
  const stopping = new AbortController()
  /** Aborts when the worker stops or when nothing can be stored. */
  const workSignal = () => (disk ? AbortSignal.any([stopping.signal, disk.untilFull()]) : stopping.signal)
  const running = new Set<Promise<void>>()

  async function run(job: SyncJob): Promise<void> {
    const kind = deps.kinds.find(({ name }) => name === job.kind)
    const signal = workSignal()
    if (!kind || signal.aborted) return
    const { integrationId, syncType } = job
    const key = { integrationId, kind: job.kind, syncType }
    try {
      const outcome = await runStream(deps, parseTenantId(job.tenantId), key, kind, signal)
      // The scheduler would find it too, but later.
      if (outcome === 'yielded' && !signal.aborted) await queues.wake(job, newId())
    } catch (err) {
      if (isTenantErasing(err) || (signal.aborted && isDiskFull(err))) return
      log.error({ err, tenant_id: job.tenantId, integration_id: integrationId }, 'a sync run failed')
    }
  }

  const tracked = (job: SyncJob): Promise<void> => {
    const done = run(job).finally(() => running.delete(done))
    running.add(done)
    return done
  }

  await queues.start({ concurrency: deps.concurrency, run: tracked })
  const loops = async (signal: AbortSignal) => {
    await Promise.all([
      runScheduler(deps, signal),
      runAuthorizationExpiry(deps, signal),
      runEraser(deps, signal),
      runRetention(deps, signal),
      runInboxDrainer(deps, signal),
      runWebhookSender(deps, signal),
      deps.journalWork && runJournalReader(deps.journalWork, signal),
    ])
  }
  /**
   * Starts nothing that cannot be stored: when the disk is full all loops end, and they start again
   * once there is space.
   */
  async function runLoopsWhileDiskHasRoom(): Promise<void> {
    while (!stopping.signal.aborted) {
      await loops(workSignal())
      await disk?.untilFree(stopping.signal)
    }
  }
  const loopsEnded = runLoopsWhileDiskHasRoom()
  return {
    async stop(timeoutMs) {
      stopping.abort(new Error('the worker is stopping'))
      await Promise.all([loopsEnded, ...running])
      await queues.stop(timeoutMs)
    },
  }
}
