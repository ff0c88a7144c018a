/**
 * The worker: runs streams when woken, polls for missed work, reads HubSpot's journal, drains
 * inboxes, sends webhooks, erases tenants, and deletes rows past their retention period.
 */
import { isDiskFull } from '../db/database-errors.ts'
import { parseTenantId } from '../db/tenant-id.ts'
import type { DrainParts } from '../inbox/drain.ts'
import type { ExpireParts } from '../integrations/oauth/expire-authorizations.ts'
import { isTenantErasing } from '../lib/errors.ts'
import { newId } from '../lib/ids.ts'
import type { Log } from '../lib/log.ts'
import type { SendParts } from '../outbox/sender.ts'
import type { ObjectKind } from '../sync/object-kind.ts'
import { type RunParts, runStream } from '../sync/run-stream.ts'
import { expireUntil } from './authorization-expiry.ts'
import { type EraseParts, eraseUntil } from './eraser.ts'
import { createResumer } from './hubspot-return.ts'
import { drainUntil } from './inbox-drainer.ts'
import { type JournalWork, journalUntil } from './journal-reader.ts'
import type { SyncJob } from './queues.ts'
import { type RetentionParts, retentionUntil } from './retention.ts'
import { type SweepParts, sweepUntil } from './scheduler.ts'
import { sendUntil } from './webhook-sender.ts'

export interface WorkerParts
  extends RunParts,
    SweepParts,
    ExpireParts,
    EraseParts,
    RetentionParts,
    DrainParts,
    SendParts {
  kinds: readonly ObjectKind[]
  concurrency: number
  /** Absent: HubSpot's webhooks journal is not read. */
  journalWork: JournalWork | undefined
  log: Log
}

export interface Worker {
  /** Stops taking work; finishes or releases the page in progress. */
  stop(timeoutMs: number): Promise<void>
}

export async function startWorker(given: WorkerParts): Promise<Worker> {
  const parts = { ...given, onHubSpotBack: createResumer(given) }
  const { queues, log } = parts
  const { disk } = parts.db
  const stopping = new AbortController()
  /** Aborts when the worker stops or when nothing can be stored. */
  const working = () => (disk ? AbortSignal.any([stopping.signal, disk.untilFull()]) : stopping.signal)
  const running = new Set<Promise<void>>()

  async function run(job: SyncJob): Promise<void> {
    const kind = parts.kinds.find(({ name }) => name === job.kind)
    const signal = working()
    if (!kind || signal.aborted) return
    const { integrationId, mode } = job
    const key = { integrationId, kind: job.kind, mode }
    try {
      const outcome = await runStream(parts, parseTenantId(job.tenantId), key, kind, signal)
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

  await queues.start({ concurrency: parts.concurrency, run: tracked })
  const loops = async (signal: AbortSignal) => {
    await Promise.all([
      sweepUntil(parts, signal),
      expireUntil(parts, signal),
      eraseUntil(parts, signal),
      retentionUntil(parts, signal),
      drainUntil(parts, signal),
      sendUntil(parts, signal),
      parts.journalWork && journalUntil(parts.journalWork, signal),
    ])
  }
  /**
   * Starts nothing that cannot be stored: when the disk is full all loops end, and they start again
   * once there is space.
   */
  async function whileThereIsRoom(): Promise<void> {
    while (!stopping.signal.aborted) {
      await loops(working())
      await disk?.room(stopping.signal)
    }
  }
  const keeping = whileThereIsRoom()
  return {
    async stop(timeoutMs) {
      stopping.abort(new Error('the worker is stopping'))
      await Promise.all([keeping, ...running])
      await queues.stop(timeoutMs)
    },
  }
}
