/** HTTP routes for records that could not be stored as received. */
import type { FastifyInstance } from 'fastify'
import type { ZodTypeProvider } from 'fastify-type-provider-zod'
import { z } from 'zod'
import { readPageWithinBudget } from '../api/byte-budget.ts'
import { decodeCursor, nextCursor } from '../api/cursor.ts'
import { after, integrationPath, limit, problems } from '../api/wire.ts'
import type { Database } from '../db/database.ts'
import { withTenant } from '../db/scope.ts'
import { parseTenantId } from '../db/tenant-id.ts'
import { findIntegration } from '../integrations/store.ts'
import { integrationNotFound } from '../lib/errors.ts'
import { listProblems } from './problem-store.ts'

const query = z.strictObject({ limit: limit(200, 50), after })

const answer = z.object({
  success: z.literal(true),
  tenant_id: z.string(),
  integration_id: z.string(),
  problems: z.array(
    z.object({
      kind: z.string(),
      record_id: z.string().describe('HubSpot’s id, or `unknown-…` if the record has none'),
      state: z.enum(['repaired', 'quarantined']),
      reason: z.string(),
      record: z.string().nullable().describe('What HubSpot returned, for a quarantined record'),
      found_at: z.string(),
    }),
  ),
  next_after: z.string().nullable(),
})

export function problemRoutes(instance: FastifyInstance, { db }: { db: Database }): void {
  const app = instance.withTypeProvider<ZodTypeProvider>()
  app.get(
    '/api/hubspot/problems/:tenant_id/:integration_id',
    {
      config: { access: 'read' },
      schema: {
        tags: ['sync'],
        operationId: 'problems.list',
        params: integrationPath,
        querystring: query,
        response: { 200: answer, ...problems },
      },
    },
    async (request) => {
      const tenantId = parseTenantId(request.params.tenant_id)
      const { integration_id: id } = request.params
      const { limit: most, after: cursor } = request.query
      const after =
        cursor === undefined ? undefined : decodeCursor(id, cursor, /^(\d{1,20}|unknown-[0-9a-f]{16})$/)
      const read = (bytes: number) =>
        withTenant(db, tenantId, async (scope) => {
          if (!(await findIntegration(scope, id))) throw integrationNotFound()
          return await listProblems(scope, id, { after, limit: most + 1, bytes })
        })
      const page = await readPageWithinBudget(most, (...room) => request.reserve(...room), read)
      return {
        success: true as const,
        tenant_id: tenantId,
        integration_id: id,
        problems: page.rows.map(({ kind, recordId, state, reason, record, foundAt }) => ({
          kind,
          record_id: recordId,
          state,
          reason,
          record,
          found_at: foundAt.toISOString(),
        })),
        next_after: nextCursor(page, id, (last) => last.recordId),
      }
    },
  )
}
