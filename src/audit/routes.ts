/** HTTP routes of the audit log: a tenant's chain, and the operator's. */
import type { FastifyInstance } from 'fastify'
import type { ZodTypeProvider } from 'fastify-type-provider-zod'
import { z } from 'zod'
import { decodeNumberCursor, toCursorPage } from '../api/cursor.ts'
import { after, limit, problems, tenantPath } from '../api/wire.ts'
import type { Database } from '../db/database.ts'
import { type SystemScope, type TenantScope, withSystem, withTenant } from '../db/scope.ts'
import { parseTenantId } from '../db/tenant-id.ts'
import { tenantNotFound } from '../lib/errors.ts'
import { tenantExists } from '../tenants/store.ts'
import { type AuditRow, type Chain, operatorChain } from './event.ts'
import { auditList, operatorAuditList } from './schema.ts'
import { auditRowsBefore } from './store.ts'

const query = z.strictObject({ limit: limit(500, 100), after })
const tags = ['audit']

export function auditRoutes(instance: FastifyInstance, db: Database): void {
  const app = instance.withTypeProvider<ZodTypeProvider>()

  app.get(
    '/api/tenants/:tenant_id/audit',
    {
      // A key that may only read tickets must not see addresses and names of credentials.
      config: { access: 'manage' },
      schema: {
        tags,
        operationId: 'audit.list',
        params: tenantPath,
        querystring: query,
        response: { 200: auditList, ...problems },
      },
    },
    async (request) => {
      const tenantId = parseTenantId(request.params.tenant_id)
      const page = await withTenant(db, tenantId, async (scope) => {
        if (!(await tenantExists(scope))) throw tenantNotFound()
        return await pageIn(scope, tenantId, request.query)
      })
      return { success: true as const, tenant_id: tenantId, ...page }
    },
  )

  app.get(
    '/api/audit',
    {
      config: { access: 'admin' },
      schema: {
        tags,
        operationId: 'audit.listOperator',
        querystring: query,
        response: { 200: operatorAuditList, ...problems },
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

const present = ({ at, requestId, prevHash, ...row }: AuditRow) => ({
  ...row,
  at: isoOf(at),
  request_id: requestId,
  prev_hash: prevHash,
})

/** Returned unchanged when a manipulated row has a time that JavaScript cannot represent. */
export function isoOf(at: string): string {
  const date = new Date(Math.round(Number(at) * 1_000))
  return Number.isNaN(date.getTime()) ? at : date.toISOString()
}
