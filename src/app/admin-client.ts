/** Calls the API as the operator, without a running service. */
import type { FastifyRequest } from 'fastify'
import { byteLimits, createByteBudget } from '../api/byte-budget.ts'
import { auditFeature } from '../audit/feature.ts'
import { apiKeyRoutes } from '../auth/api-key-routes.ts'
import type { Config } from '../config.ts'
import { createServer } from '../http/server.ts'
import { systemClock } from '../lib/clock.ts'
import type { Log } from '../lib/log.ts'
import { createMetrics } from '../lib/metrics.ts'
import { tenantsFeature } from '../tenants/feature.ts'
import { withCommandDatabase } from './open.ts'
import { requireMatchingKeyRing } from './preflight.ts'

/** A response of the API. */
export interface AdminResponse {
  status: number
  body: Record<string, unknown>
}

/**
 * Runs one API request as the operator, in this process and without a network.
 *
 * @throws LockedError when the service has locked the embedded directory: call the service instead
 * @throws StartError
 */
export async function requestAsAdmin(
  config: Config,
  log: Log,
  request: { method: 'GET' | 'POST' | 'DELETE'; url: string; payload?: object },
): Promise<AdminResponse> {
  return await withCommandDatabase(config, log, async (db) => {
    await requireMatchingKeyRing(db, config)
    const open = config.adminKey === undefined
    const bytes = createByteBudget(byteLimits(), systemClock, () => {})
    const tenants = {
      db,
      ring: config.keyRing,
      open,
      clock: systemClock,
      bytes,
      watchOf: ({ abortSignal }: FastifyRequest) => abortSignal,
    }
    const server = await createServer({
      open,
      authenticate: async () => ({ principal: { kind: 'admin', by: 'cli' } }),
      publicUrl: config.publicUrl,
      log,
      health: { db, metrics: createMetrics() },
      audit: { db, ring: config.keyRing },
      load: config.load,
      bytes,
      trustedProxies: [],
      clock: systemClock,
      features: [
        tenantsFeature(tenants),
        { routes: (app) => apiKeyRoutes(app, tenants) },
        auditFeature({ db }),
      ],
    })
    try {
      const answer = await server.inject(request)
      return { status: answer.statusCode, body: answer.json() }
    } finally {
      await server.close()
    }
  })
}
