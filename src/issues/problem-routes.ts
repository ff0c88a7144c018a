/** HTTP routes for records that could not be stored as received. */
import type { FastifyInstance } from 'fastify'
import { z } from 'zod'
import { decodeCursor, nextCursor } from '../api/cursor.ts'
import { tenantRoute } from '../api/tenant-route.ts'
import { after, integrationPath, isoTimes, limit, nextAfter } from '../api/wire.ts'
import type { Database } from '../db/database.ts'
import { requireIntegration } from '../integrations/require-integration.ts'
import { listProblems } from './problem-store.ts'

const query = z.strictObject({ limit: limit(200, 50), after })

const answer = z.object({
  problems: z.array(
    z
      .object({
        kind: z.string(),
        record_id: z.string().describe('HubSpot’s id, or `unknown-…` if the record has none'),
        state: z.enum(['repaired', 'quarantined']),
        reason: z.string(),
        record: z.string().nullable().describe('What HubSpot returned, for a quarantined record'),
        found_at: z.string(),
      })
      .meta({
        id: 'RecordProblem',
        examples: [
          {
            kind: 'tickets',
            record_id: '300000000123',
            state: 'repaired',
            reason: 'subject: removed characters that the database cannot store',
            record: null,
            found_at: '2026-11-22T17:29:25.724Z',
          },
        ],
      }),
  ),
  next_after: nextAfter,
})

const recordIdForm = /^(\d{1,20}|unknown-[0-9a-f]{16})$/

export function problemRoutes(app: FastifyInstance, { db }: { db: Database }): void {
  tenantRoute(
    app,
    db,
    {
      method: 'GET',
      path: '/api/hubspot/problems/:tenant_id/:integration_id',
      operationId: 'problems.list',
      tags: ['sync'],
      summary: 'List records that could not be stored as received',
      description:
        'Sorted by id. `repaired`: saved without the characters that no database can store, or cut at 131,072 characters per value. `quarantined`: not saved. A record leaves the list once HubSpot returns it intact.',
      errors: ['invalid_cursor'],
      config: { access: 'read' },
      params: integrationPath,
      query,
      response: { 200: answer },
      requires: requireIntegration,
    },
    async ({ params: { integration_id: id }, query: { limit, after: cursor }, readPage }) => {
      const after = cursor === undefined ? undefined : decodeCursor(id, cursor, recordIdForm)
      const page = await readPage(limit, (scope, bytes) =>
        listProblems(scope, id, { after, limit: limit + 1, bytes }),
      )
      return {
        problems: page.rows.map(isoTimes),
        next_after: nextCursor(page, id, (last) => last.record_id),
      }
    },
  )
}
