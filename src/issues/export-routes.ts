/** The HTTP route that exports what a query finds. */
import type { FastifyInstance, FastifyRequest } from 'fastify'
import type { ZodTypeProvider } from 'fastify-type-provider-zod'
import type { ByteBudget } from '../api/byte-budget.ts'
import { sendPieces } from '../api/piece-stream.ts'
import { collectParameters } from '../api/tenant-route.ts'
import { tenantPath } from '../api/wire.ts'
import type { Database } from '../db/database.ts'
import { parseTenantId } from '../db/tenant-id.ts'
import type { Clock } from '../lib/clock.ts'
import { exportIssues } from './issue-export.ts'
import { exportQuery } from './query-schema.ts'

export interface ExportRouteDependencies {
  db: Database
  clock: Clock
  bytes: ByteBudget
  /** Aborts when the caller disconnects or loses access. It has no deadline. */
  watchOf(request: FastifyRequest): AbortSignal
}

const mediaTypes = { ndjson: 'application/x-ndjson', csv: 'text/csv' } as const

export function exportRoutes(
  instance: FastifyInstance,
  { db, clock, bytes, watchOf }: ExportRouteDependencies,
): void {
  const app = instance.withTypeProvider<ZodTypeProvider>()

  app.get(
    '/api/hubspot/issues/:tenant_id/export',
    {
      config: {
        access: 'read',
        stream: true,
        errors: ['query_too_broad'],
        sends: [mediaTypes.ndjson, 'A JSON object for each line, or CSV', mediaTypes.csv],
        responseHeaders: ['Content-Disposition'],
      },
      // A HEAD would read the whole export and send none of it.
      exposeHeadRoute: false,
      preValidation: collectParameters('properties'),
      schema: {
        tags: ['issues'],
        operationId: 'issues.export',
        summary: 'Export issues',
        description:
          'What `issues.list` finds with the same conditions and sort, as one response. ndjson: an issue on each line, and a last line that counts them; without a last line that says `complete` the export was cut off. csv: a header line with the names of the columns; a cut-off response has no proper end. It is not a snapshot.',
        params: tenantPath,
        querystring: exportQuery,
      },
    },
    async (request, reply) => {
      const tenantId = parseTenantId(request.params.tenant_id)
      const { format } = request.query
      const headers = {
        'content-type': `${mediaTypes[format]}; charset=utf-8`,
        'content-disposition': `attachment; filename="spoke-issues-${tenantId}.${format}"`,
      }
      const to = { request, reply, tenantId, bytes, signal: watchOf(request), headers }
      await sendPieces(to, (reserve) => exportIssues({ db, clock }, tenantId, request.query, reserve))
    },
  )
}
