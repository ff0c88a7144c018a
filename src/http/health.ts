/** Liveness, readiness and metrics: cheap to serve, and without information about tenants. */
import type { FastifyInstance } from 'fastify'
import { sql } from 'kysely'
import { z } from 'zod'
import type { Database } from '../db/database.ts'
import { currentMigration, newestMigration } from '../db/migrate.ts'
import { inTransaction } from '../db/transaction.ts'
import type { Metrics } from '../lib/metrics.ts'

export interface HealthDependencies {
  db: Database
  metrics: Metrics
  /** True once a stop has begun; no new traffic should arrive then. */
  draining(): boolean
}

const checkTimeoutMs = 2_000
const probe = { access: 'public', probe: true } as const
const tags = ['health']
const check = z.string().meta({ description: 'ok, or what is wrong', examples: ['ok'] })
const readiness = z.object({
  status: z.enum(['ok', 'unavailable']),
  checks: z.object({ draining: z.enum(['no', 'yes']), database: check, schema: check, disk: check }),
})

const notReady = readiness.meta({
  description: 'Not ready: see `checks`',
  examples: [
    { status: 'unavailable', checks: { draining: 'no', database: 'timeout', schema: 'unknown', disk: 'ok' } },
  ],
})

export function healthRoutes(app: FastifyInstance, { db, metrics, draining }: HealthDependencies): void {
  const live = {
    tags,
    operationId: 'health.live',
    summary: 'Whether the process responds',
    description: 'For a liveness probe: it checks nothing else, and responds under any load.',
    response: { 200: z.object({ status: z.literal('ok') }) },
  }
  app.get('/livez', { config: probe, schema: live }, async () => ({ status: 'ok' }))

  const checkOnce = sharedCheck(async () => {
    const disk = db.disk?.check() ? 'full' : 'ok'
    const database = await bounded(ping(db))
    return { database, schema: database === 'ok' ? await bounded(isSchemaCurrent(db)) : 'unknown', disk }
  })

  const ready = {
    tags,
    operationId: 'health.ready',
    summary: 'Whether the process can serve requests',
    description:
      'For a readiness probe: the database responds, has disk space and the expected schema, and the process is not stopping. `checks` says which of these failed.',
    response: { 200: readiness, 503: notReady },
  }
  app.get('/readyz', { config: probe, schema: ready }, async (_request, reply) => {
    const checks = { draining: draining() ? 'yes' : 'no', ...(await checkOnce()) }
    const { database, schema, disk } = checks
    const isReady = !draining() && database === 'ok' && schema === 'ok' && disk === 'ok'
    return reply.code(isReady ? 200 : 503).send({ status: isReady ? 'ok' : 'unavailable', checks })
  })

  const prometheus = {
    tags,
    operationId: 'health.metrics',
    summary: 'Metrics in Prometheus’s format',
    description: 'No metric has a tenant label. Needs the metrics key or the admin key.',
  }
  app.get(
    '/metrics',
    { config: { access: 'metrics', sends: ['text/plain', 'Samples'] }, schema: prometheus },
    async (_request, reply) => reply.type(metrics.contentType).send(await metrics.print()),
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
