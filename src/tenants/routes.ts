/** The HTTP routes for tenants, for the operator. */
import type { FastifyInstance } from 'fastify'
import type { ZodTypeProvider } from 'fastify-type-provider-zod'
import type { z } from 'zod'
import { decodeIdCursor, toCursorPage } from '../api/cursor.ts'
import { readIdempotencyKey } from '../api/idempotency.ts'
import { type Principal, principalName } from '../api/principal.ts'
import { runIdempotent } from '../api/run-idempotent.ts'
import { tenantRoute } from '../api/tenant-route.ts'
import { isoTimes, noQuery, responseOf, tenantPath } from '../api/wire.ts'
import type { Database } from '../db/database.ts'
import { withSystem, withTenant } from '../db/scope.ts'
import { parseTenantId } from '../db/tenant-id.ts'
import type { Clock } from '../lib/clock.ts'
import { tenantNotFound } from '../lib/errors.ts'
import type { KeyRing } from '../lib/seal.ts'
import { listQuery, tenant, tenantBody, tenantListResponse } from './schema.ts'
import { ensureTenant, findTenant, listTenants, type Tenant } from './store.ts'

export interface TenantRouteDependencies {
  db: Database
  ring: KeyRing
  clock: Clock
  /** No admin key is configured. */
  open: boolean
}

export function tenantRoutes(instance: FastifyInstance, { db, ring }: TenantRouteDependencies): void {
  const app = instance.withTypeProvider<ZodTypeProvider>()
  const tags = ['tenants'] as const
  const created = responseOf(tenant)

  app.post(
    '/api/tenants',
    {
      config: {
        access: 'admin',
        makesTenant: true,
        errors: ['tenant_erasing'],
        requestHeaders: ['Idempotency-Key'],
        audited: 'tenants.create',
        auditedFor: async ({ body, principal }) => ({
          actor: principalName(principal as Principal),
          tenantId: parseTenantId((body as z.infer<typeof tenantBody>).tenant_id),
        }),
      },
      schema: {
        tags,
        operationId: 'tenants.create',
        summary: 'Create a tenant',
        description: '201 if it is new, 200 if it exists.',
        querystring: noQuery,
        body: tenantBody,
        response: { 200: created, 201: created },
      },
    },
    async (request, reply) => {
      const tenantId = parseTenantId(request.body.tenant_id)
      const { status, body } = await withTenant(db, tenantId, (scope) =>
        runIdempotent<z.infer<typeof created>>(scope, readIdempotencyKey(request), async () => {
          const made = await ensureTenant(scope, ring)
          const found = (await findTenant(scope)) as Tenant
          return { status: made ? 201 : 200, body: { success: true, ...isoTimes(found) } }
        }),
      )
      return reply.code(status === 201 ? 201 : 200).send(body)
    },
  )

  app.get(
    '/api/tenants',
    {
      config: { access: 'admin', errors: ['invalid_cursor'] },
      schema: {
        tags,
        operationId: 'tenants.list',
        summary: 'List tenants',
        description: 'In the order of their ids.',
        querystring: listQuery,
        response: { 200: tenantListResponse },
      },
    },
    async (request) => {
      const { limit, after: cursor } = request.query
      const after = cursor === undefined ? undefined : decodeIdCursor('tenants', cursor)
      const rows = await withSystem(db, (scope) => listTenants(scope, { after, limit: limit + 1 }))
      const { shown, next_after } = toCursorPage(rows, limit, 'tenants', ({ tenant_id }) => tenant_id)
      return { success: true as const, tenants: shown.map(isoTimes), next_after }
    },
  )

  tenantRoute(
    app,
    db,
    {
      method: 'GET',
      path: '/api/tenants/:tenant_id',
      operationId: 'tenants.get',
      tags,
      summary: 'Read a tenant',
      description: 'When the tenant was created. A tenant that is being erased is not found.',
      errors: ['tenant_not_found'],
      config: { access: 'read' },
      params: tenantPath,
      response: { 200: tenant },
    },
    async ({ transaction }) => {
      const found = await transaction(findTenant)
      if (!found) throw tenantNotFound()
      return isoTimes(found)
    },
  )
}
