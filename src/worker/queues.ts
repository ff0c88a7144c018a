/** The job queue: jobs are wake-ups that carry ids; work and progress are in our own tables. */
import { PgBoss } from 'pg-boss'
import packageOfPgBoss from 'pg-boss/package.json' with { type: 'json' }
import type { Database } from '../db/database.ts'
import { isDiskFull } from '../db/database-errors.ts'
import type { Log } from '../lib/log.ts'
import type { StreamKey } from '../sync/store.ts'

export interface SyncJob extends StreamKey {
  tenantId: string
}

export interface Queues {
  /**
   * Creates the queue's schema and the queues unless they are there, then returns. For the login
   * that runs migrations.
   */
  install(): Promise<void>
  /** Creates the queues and starts to serve them (or only to send, without a handler). */
  start(handler?: { concurrency: number; run(job: SyncJob): Promise<void> }): Promise<void>
  /**
   * Wakes a worker for a stream.
   *
   * @param dedupeKey identifies the wake-up: while one with the same key is queued or running,
   *   another is dropped
   */
  wake(job: SyncJob, dedupeKey: string): Promise<void>
  /** Deletes the queue's jobs of a tenant, in any state. */
  deleteJobsOf(tenantId: string): Promise<void>
  depth(): Promise<{ queue: string; state: string; count: number }[]>
  /** Waits for running handlers. */
  stop(timeoutMs: number): Promise<void>
}

/**
 * One queue per sync type, with its own workers: however many first loads run, an incremental sync
 * never waits for them.
 */
const queueOf = { full: 'sync-full', incremental: 'sync-incremental' } as const
const queues = Object.values(queueOf)
/** Lifetime of a wake-up. A run releases its worker well before. */
const expireInSeconds = 240

const policy = {
  policy: 'exclusive',
  expireInSeconds,
  retryLimit: 0,
  deleteAfterSeconds: 300,
  notify: true,
} as const

/** @param mayInstall whether this login may create and migrate the queue's schema */
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
    // LISTEN does not work through a connection pooler.
    useListenNotify: !db.pooled,
    // Maintenance deletes ended jobs by the queue's policy. By default it runs only once a day.
    maintenanceIntervalSeconds: 300,
    application_name: 'spoke',
  })
  // A full disk is logged once, when it starts.
  boss.on('error', (err) => {
    if (!isDiskFull(err)) log.warn({ err }, 'the job queue reported an error')
  })
  /** By queue, one of this process's workers. */
  const workers = new Map<string, string>()

  /** Whether the schema has the library's version and contains the queues. */
  async function isInstalled(): Promise<boolean> {
    const tables = await db.jobs.executeSql(`select to_regclass('pgboss.version') is not null as found`)
    if (!tables.rows[0]?.found) return false
    const { rows } = await db.jobs.executeSql(
      `select version, (select count(*)::int from pgboss.queue where name = any($1)) as queues
       from pgboss.version`,
      [queues],
    )
    return rows[0]?.version === packageOfPgBoss.pgboss.schema && rows[0]?.queues === queues.length
  }

  async function open(): Promise<void> {
    await boss.start()
    for (const queue of queues) if (!(await boss.getQueue(queue))) await boss.createQueue(queue, policy)
  }
  const close = (timeoutMs: number) =>
    boss.stop({ graceful: true, timeout: timeoutMs, close: databaseUrl !== undefined })

  return {
    async install() {
      if (await isInstalled()) return
      await open()
      await close(1_000)
    },
    async start(handler) {
      await open()
      if (!handler) return
      // Jobs are fetched in pairs, because a full batch is followed by the next fetch at once. With
      // single jobs each worker would take one per interval, however many wait.
      const pairs = Math.max(1, Math.ceil(handler.concurrency / 2))
      // 0.5 is the shortest that pg-boss accepts. Wake-ups from this process are noticed at once
      // anyway.
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
    async wake({ tenantId, integrationId, kind, syncType }, dedupeKey) {
      const singletonKey = `${integrationId}/${kind}/${syncType}/${dedupeKey}`
      await boss.send(
        queueOf[syncType],
        { tenantId, integrationId, kind, syncType },
        { singletonKey, group: { id: tenantId } },
      )
      const worker = db.pooled && workers.get(queueOf[syncType])
      if (worker) boss.notifyWorker(worker)
    },
    async deleteJobsOf(tenantId) {
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
