/** HTTP routes of the audit log: a tenant's chain, and the operator's. */
import type { FastifyInstance } from 'fastify'
import type { ZodTypeProvider } from 'fastify-type-provider-zod'
import { z } from 'zod'
import { decodeNumberCursor, toCursorPage } from '../api/cursor.ts'
import { tenantRoute } from '../api/tenant-route.ts'
import { after, limit, responseOf, tenantPath } from '../api/wire.ts'
import type { Database } from '../db/database.ts'
import { type SystemScope, type TenantScope, withSystem } from '../db/scope.ts'
import { tenantNotFound } from '../lib/errors.ts'
import { requireTenant } from '../tenants/require-tenant.ts'
import { type AuditRow, type Chain, operatorChain } from './event.ts'
import { auditList } from './schema.ts'
import { auditRowsBefore } from './store.ts'

const query = z.strictObject({ limit: limit(500, 100), after })

export function auditRoutes(instance: FastifyInstance, db: Database): void {
  const app = instance.withTypeProvider<ZodTypeProvider>()

  tenantRoute(
    app,
    db,
    {
      method: 'GET',
      path: '/api/tenants/:tenant_id/audit',
      operationId: 'audit.list',
      tags: ['audit'],
      summary: 'List the audit log of a tenant',
      description:
        'The tenant’s chain, newest first: everything that had an effect, and refused attempts. Each event contains the hash of the one before it.',
      errors: ['tenant_not_found', 'invalid_cursor'],
      // A key that may only read tickets must not see addresses and names of credentials.
      config: { access: 'manage' },
      params: tenantPath,
      query,
      response: { 200: auditList },
      requires: requireTenant(tenantNotFound),
    },
    ({ tenantId, query, transaction }) => transaction((scope) => pageIn(scope, tenantId, query)),
  )

  app.get(
    '/api/audit',
    {
      config: { access: 'admin', errors: ['invalid_cursor'] },
      schema: {
        tags: ['audit'],
        operationId: 'audit.listOperator',
        summary: 'List the audit log of the operator',
        description:
          'Events above the level of a tenant, newest first. A tenant that does not exist appears as a pseudonym.',
        querystring: query,
        response: { 200: responseOf(auditList) },
      },
    },
    async (request) => {
      const page = await withSystem(db, (scope) => pageIn(scope, operatorChain, request.query))
      return { success: true as const, ...page }
    },
  )
}

async function pageIn(scope: TenantScope | SystemScope, chain: Chain, params: z.infer<typeof query>) {
  const before = params.after === undefined ? undefined : decodeNumberCursor(chain, params.after)
  const rows = await auditRowsBefore(scope, before, params.limit + 1)
  const { shown, next_after } = toCursorPage(rows, params.limit, chain, (last) => String(last.seq))
  return { events: shown.map(present), next_after }
}

const present = (row: AuditRow) => ({ ...row, at: isoOf(row.at) })

/** Returned unchanged when a manipulated row has a time that JavaScript cannot represent. */
export function isoOf(at: string): string {
  const date = new Date(Math.round(Number(at) * 1_000))
  return Number.isNaN(date.getTime()) ? at : date.toISOString()
}
