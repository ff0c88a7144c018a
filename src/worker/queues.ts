/** The job queue. A job is a wake-up that carries ids; what there is to do, and how far it got, stands in our rows. */
import { PgBoss } from 'pg-boss'
import type { Database } from '../db/database.ts'
import { isDiskFull } from '../db/database-errors.ts'
import type { Log } from '../lib/log.ts'
import type { StreamKey } from '../sync/store.ts'

export interface SyncJob extends StreamKey {
  tenantId: string
}

export interface Queues {
  /** Makes the queue's own schema and the queues, and ends. For the login that migrates. */
  install(): Promise<void>
  /** Makes the queues and starts to serve them (or only to send, without a handler). */
  start(handler?: { concurrency: number; run(job: SyncJob): Promise<void> }): Promise<void>
  /**
   * Wakes a worker for a stream.
   * @param occasion what the wake-up is for: while one of an occasion is on its way or at work, another is dropped
   */
  wake(job: SyncJob, occasion: string): Promise<void>
  /** Deletes what the queue holds of a tenant, whatever its state. */
  forget(tenantId: string): Promise<void>
  depth(): Promise<{ queue: string; state: string; count: number }[]>
  /** Waits for handlers that run. */
  stop(timeoutMs: number): Promise<void>
}

/** One queue a mode, with workers of its own: however many first loads run, an incremental never waits behind them. */
const queueOf = { full: 'sync-full', incremental: 'sync-incremental' } as const
const queues = Object.values(queueOf)
/** A wake-up is good for this long; a run gives its worker back well before. */
const expireInSeconds = 240

const policy = {
  policy: 'exclusive',
  expireInSeconds,
  retryLimit: 0,
  deleteAfterSeconds: 300,
  notify: true,
} as const

/** @param mayInstall whether this login may make and migrate the queue's schema */
export function createQueues(
  db: Database,
  databaseUrl: string | undefined,
  mayInstall: boolean,
  log: Log,
): Queues {
  const boss = new PgBoss({
    ...(databaseUrl
      ? { connectionString: databaseUrl, max: 3 }
      : { db: db.jobs, backend: 'pglite' as const }),
    schedule: false,
    migrate: mayInstall,
    createSchema: mayInstall,
    // A pooler loses what a session listens to.
    useListenNotify: !db.pooled,
    // Ended jobs go by the policy below, but only when this comes round; by itself once a day.
    maintenanceIntervalSeconds: 300,
    application_name: 'spoke',
  })
  // That nothing can be stored is said once, when it begins.
  boss.on('error', (err) => {
    if (!isDiskFull(err)) log.warn({ err }, 'the job queue met an error')
  })
  /** One of this process's workers of each queue. */
  const workers = new Map<string, string>()

  async function open(): Promise<void> {
    await boss.start()
    for (const queue of queues) if (!(await boss.getQueue(queue))) await boss.createQueue(queue, policy)
  }
  const close = (timeoutMs: number) =>
    boss.stop({ graceful: true, timeout: timeoutMs, close: databaseUrl !== undefined })

  return {
    async install() {
      await open()
      await close(1_000)
    },
    async start(handler) {
      await open()
      if (!handler) return
      // Fetched in pairs, because a fetch that comes back full is followed by the next at once: of single jobs each
      // worker would take one an interval, however many wait.
      const pairs = Math.max(1, Math.ceil(handler.concurrency / 2))
      // The shortest that the library takes. Wake-ups of this process are heard at once besides.
      const everySeconds = db.pooled ? 0.5 : 2
      const options = {
        localConcurrency: pairs,
        batchSize: 2,
        burstWhenBatchFull: true,
        // One tenant never takes all workers of a process while others wait.
        localGroupConcurrency: pairs,
        pollingIntervalSeconds: everySeconds,
        notifyPollingIntervalSeconds: everySeconds,
      }
      for (const queue of queues) {
        const worker = await boss.work<SyncJob>(queue, options, async (jobs) => {
          await Promise.all(jobs.map((job) => handler.run(job.data)))
        })
        workers.set(queue, worker)
      }
    },
    async wake({ tenantId, integrationId, kind, mode }, occasion) {
      const singletonKey = `${integrationId}/${kind}/${mode}/${occasion}`
      await boss.send(
        queueOf[mode],
        { tenantId, integrationId, kind, mode },
        { singletonKey, group: { id: tenantId } },
      )
      const worker = db.pooled && workers.get(queueOf[mode])
      if (worker) boss.notifyWorker(worker)
    },
    async forget(tenantId) {
      await db.jobs.executeSql(`delete from pgboss.job where group_id = $1 or data ->> 'tenantId' = $1`, [
        tenantId,
      ])
    },
    async depth() {
      const found = await boss.getQueues([...queues])
      return found.flatMap(({ name, queuedCount, activeCount }) => [
        { queue: name, state: 'queued', count: queuedCount },
        { queue: name, state: 'active', count: activeCount },
      ])
    },
    stop: close,
  }
}
