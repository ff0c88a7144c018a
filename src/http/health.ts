/** Liveness, readiness and metrics: cheap to serve, and without information about tenants. */
import type { FastifyInstance } from 'fastify'
import { sql } from 'kysely'
import { type Database, inTransaction } from '../db/database.ts'
import { currentMigration, newestMigration } from '../db/migrate.ts'
import type { Metrics } from '../lib/metrics.ts'

export interface HealthDependencies {
  db: Database
  metrics: Metrics
  /** True once a stop has begun; no new traffic should arrive then. */
  draining(): boolean
}

const checkTimeoutMs = 2_000
const probe = { config: { access: 'public', probe: true } } as const

export function healthRoutes(app: FastifyInstance, { db, metrics, draining }: HealthDependencies): void {
  app.get('/livez', probe, async () => ({ status: 'ok' }))

  const checkOnce = sharedCheck(async () => {
    const disk = db.disk?.check() ? 'full' : 'ok'
    const database = await bounded(ping(db))
    return { database, schema: database === 'ok' ? await bounded(isSchemaCurrent(db)) : 'unknown', disk }
  })

  app.get('/readyz', probe, async (_request, reply) => {
    const checks = { draining: draining() ? 'yes' : 'no', ...(await checkOnce()) }
    const { database, schema, disk } = checks
    const ready = !draining() && database === 'ok' && schema === 'ok' && disk === 'ok'
    return reply.code(ready ? 200 : 503).send({ status: ready ? 'ok' : 'unavailable', checks })
  })

  app.get('/metrics', { config: { access: 'metrics' } }, async (_request, reply) =>
    reply.type(metrics.contentType).send(await metrics.print()),
  )
}

async function ping(db: Database): Promise<string> {
  await inTransaction(db, ['set local role spoke_system'], (query) => query(sql`select 1`))
  return 'ok'
}

async function isSchemaCurrent(db: Database): Promise<string> {
  return (await currentMigration(db)) === newestMigration() ? 'ok' : 'not migrated'
}

/** Probes are not rate limited, so concurrent probes share one check and its result. */
function sharedCheck<T>(work: () => Promise<T>): () => Promise<T> {
  let running: Promise<T> | undefined
  return () => {
    running ??= work().finally(() => {
      running = undefined
    })
    return running
  }
}

/** A check that hangs counts as failed. The public response does not say why. */
async function bounded(check: Promise<string>): Promise<string> {
  const { promise, resolve } = Promise.withResolvers<string>()
  const timer = setTimeout(() => resolve('timeout'), checkTimeoutMs)
  check.then(resolve, () => resolve('failed'))
  return await promise.finally(() => clearTimeout(timer))
}
