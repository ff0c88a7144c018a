/** The HTTP routes for exporting and erasing a tenant. */
import type { FastifyInstance, FastifyRequest } from 'fastify'
import type { ZodTypeProvider } from 'fastify-type-provider-zod'
import { z } from 'zod'
import type { ByteBudget } from '../api/byte-budget.ts'
import { sendPieces } from '../api/piece-stream.ts'
import { tenantRoute } from '../api/tenant-route.ts'
import { noQuery, tenantPath } from '../api/wire.ts'
import { parseTenantId } from '../db/tenant-id.ts'
import { tenantNotFound } from '../lib/errors.ts'
import { beginErasure } from './erasure.ts'
import { exportTenant } from './export.ts'
import type { TenantRouteDependencies } from './routes.ts'

export interface ExportAndErasureDependencies extends Pick<TenantRouteDependencies, 'db' | 'clock'> {
  bytes: ByteBudget
  /** Aborts when the caller disconnects or the server stops. It has no deadline. */
  watchOf(request: FastifyRequest): AbortSignal
}

const tags = ['tenants'] as const
const erasureBegun = z.object({
  status: z.literal('erasing'),
})

export function exportAndErasureRoutes(
  instance: FastifyInstance,
  { db, clock, bytes, watchOf }: ExportAndErasureDependencies,
): void {
  const app = instance.withTypeProvider<ZodTypeProvider>()

  app.get(
    '/api/tenants/:tenant_id/export',
    {
      config: {
        access: 'manage',
        audited: 'tenants.export',
        stream: true,
        errors: ['tenant_not_found'],
        sends: ['application/x-ndjson', 'A JSON object for each line'],
        responseHeaders: ['Content-Disposition'],
      },
      // A HEAD would read the whole export and send none of it.
      exposeHeadRoute: false,
      schema: {
        tags,
        operationId: 'tenants.export',
        summary: 'Export the data of a tenant',
        description:
          'Lines of JSON: a header, one line for each row of every table, and a last line that counts them. Without a last line that says `complete` the export was cut off. It is not a snapshot: a row that changes meanwhile appears as it is when it is read.',
        params: tenantPath,
        querystring: noQuery,
      },
    },
    async (request, reply) => {
      const tenantId = parseTenantId(request.params.tenant_id)
      const headers = {
        'content-type': 'application/x-ndjson; charset=utf-8',
        'content-disposition': `attachment; filename="spoke-${tenantId}.ndjson"`,
      }
      const to = { request, reply, tenantId, bytes, signal: watchOf(request), headers }
      await sendPieces(to, (reserve) => exportTenant(db, clock, tenantId, reserve))
    },
  )

  tenantRoute(
    app,
    db,
    {
      method: 'DELETE',
      path: '/api/tenants/:tenant_id',
      operationId: 'tenants.erase',
      tags,
      summary: 'Erase a tenant',
      description:
        'Permanently deletes the tenant with all its data. The response comes once nobody can reach the tenant any more; a worker then deletes the rows. A repeated request gets 202 until that is done, and 404 afterwards.',
      errors: ['tenant_not_found'],
      config: { access: 'admin', audited: 'tenants.erase' },
      params: tenantPath,
      response: { 202: erasureBegun },
    },
    async ({ tenantId, request }) => {
      if (!(await beginErasure(db, tenantId))) throw tenantNotFound()
      request.log.info({ tenant_id: tenantId }, 'a tenant is being erased')
      return { status: 'erasing' as const }
    },
  )
}
