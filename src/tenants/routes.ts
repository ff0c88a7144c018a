/** The HTTP routes for tenants, for the operator. */
import type { FastifyInstance } from 'fastify'
import type { ZodTypeProvider } from 'fastify-type-provider-zod'
import type { z } from 'zod'
import { decodeIdCursor, toCursorPage } from '../api/cursor.ts'
import { readIdempotencyKey } from '../api/idempotency.ts'
import { type Principal, principalName } from '../api/principal.ts'
import { runIdempotent } from '../api/run-idempotent.ts'
import { tenantRoute } from '../api/tenant-route.ts'
import { noQuery, problems, tenantPath } from '../api/wire.ts'
import type { Database } from '../db/database.ts'
import { withSystem, withTenant } from '../db/scope.ts'
import { parseTenantId } from '../db/tenant-id.ts'
import type { Clock } from '../lib/clock.ts'
import { tenantNotFound } from '../lib/errors.ts'
import type { KeyRing } from '../lib/seal.ts'
import { listQuery, tenantBody, tenantListResponse, tenantResponse } from './schema.ts'
import { ensureTenant, findTenant, listTenants, type Tenant } from './store.ts'

export interface TenantRouteDependencies {
  db: Database
  ring: KeyRing
  clock: Clock
  /** No admin key is configured. */
  open: boolean
}

const presentTenant = ({ tenantId, createdAt }: Tenant) => ({
  tenant_id: tenantId,
  created_at: createdAt.toISOString(),
})

export function tenantRoutes(instance: FastifyInstance, { db, ring }: TenantRouteDependencies): void {
  const app = instance.withTypeProvider<ZodTypeProvider>()
  const tags = ['tenants'] as const

  app.post(
    '/api/tenants',
    {
      config: {
        access: 'admin',
        makesTenant: true,
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
        querystring: noQuery,
        body: tenantBody,
        response: { 200: tenantResponse, 201: tenantResponse, ...problems },
      },
    },
    async (request, reply) => {
      const tenantId = parseTenantId(request.body.tenant_id)
      const { status, body } = await withTenant(db, tenantId, (scope) =>
        runIdempotent<z.infer<typeof tenantResponse>>(scope, readIdempotencyKey(request), async () => {
          const made = await ensureTenant(scope, ring)
          const tenant = (await findTenant(scope)) as Tenant
          return { status: made ? 201 : 200, body: { success: true, ...presentTenant(tenant) } }
        }),
      )
      return reply.code(status === 201 ? 201 : 200).send(body)
    },
  )

  app.get(
    '/api/tenants',
    {
      config: { access: 'admin' },
      schema: {
        tags,
        operationId: 'tenants.list',
        summary: 'List tenants',
        querystring: listQuery,
        response: { 200: tenantListResponse, ...problems },
      },
    },
    async (request) => {
      const { limit, after: cursor } = request.query
      const after = cursor === undefined ? undefined : decodeIdCursor('tenants', cursor)
      const rows = await withSystem(db, (scope) => listTenants(scope, { after, limit: limit + 1 }))
      const { shown, next_after } = toCursorPage(rows, limit, 'tenants', ({ tenantId }) => tenantId)
      return { success: true as const, tenants: shown.map(presentTenant), next_after }
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
      config: { access: 'read' },
      params: tenantPath,
      response: { 200: tenantResponse },
    },
    async ({ transaction }) => {
      const tenant = await transaction(findTenant)
      if (!tenant) throw tenantNotFound()
      return presentTenant(tenant)
    },
  )
}
