/** The HTTP routes for tenants, for the operator. */
import type { FastifyInstance } from 'fastify'
import type { ZodTypeProvider } from 'fastify-type-provider-zod'
import { z } from 'zod'
import { decodeIdCursor, pageOf } from '../api/cursor.ts'
import { readIdempotency } from '../api/idempotency.ts'
import { once } from '../api/once.ts'
import { nameOf, type Principal } from '../api/principal.ts'
import { problems, tenantPath } from '../api/wire.ts'
import type { Database } from '../db/database.ts'
import { withSystem, withTenant } from '../db/scope.ts'
import { parseTenantId } from '../db/tenant-id.ts'
import type { Clock } from '../lib/clock.ts'
import { tenantNotFound } from '../lib/errors.ts'
import type { KeyRing } from '../lib/seal.ts'
import { listQuery, tenantAnswer, tenantBody, tenantList } from './schema.ts'
import { ensureTenant, findTenant, listTenants, type Tenant } from './store.ts'

export interface TenantParts {
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

export function tenantRoutes(instance: FastifyInstance, { db, ring }: TenantParts): void {
  const app = instance.withTypeProvider<ZodTypeProvider>()
  const tags = ['tenants']

  app.post(
    '/api/tenants',
    {
      config: {
        access: 'admin',
        makesTenant: true,
        audited: 'tenants.create',
        auditedFor: async ({ body, principal }) => ({
          actor: nameOf(principal as Principal),
          tenantId: parseTenantId((body as z.infer<typeof tenantBody>).tenant_id),
        }),
      },
      schema: {
        tags,
        operationId: 'tenants.create',
        querystring: z.strictObject({}),
        body: tenantBody,
        response: { 200: tenantAnswer, 201: tenantAnswer, ...problems },
      },
    },
    async (request, reply) => {
      const tenantId = parseTenantId(request.body.tenant_id)
      const { status, body } = await withTenant(db, tenantId, (scope) =>
        once<z.infer<typeof tenantAnswer>>(scope, readIdempotency(request), async () => {
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
        querystring: listQuery,
        response: { 200: tenantList, ...problems },
      },
    },
    async (request) => {
      const { limit, after: cursor } = request.query
      const after = cursor === undefined ? undefined : decodeIdCursor('tenants', cursor)
      const rows = await withSystem(db, (scope) => listTenants(scope, { after, limit: limit + 1 }))
      const { shown, next_after } = pageOf(rows, limit, 'tenants', ({ tenantId }) => tenantId)
      return { success: true as const, tenants: shown.map(presentTenant), next_after }
    },
  )

  app.get(
    '/api/tenants/:tenant_id',
    {
      config: { access: 'read' },
      schema: {
        tags,
        operationId: 'tenants.get',
        params: tenantPath,
        querystring: z.strictObject({}),
        response: { 200: tenantAnswer, ...problems },
      },
    },
    async (request) => {
      const tenant = await withTenant(db, parseTenantId(request.params.tenant_id), findTenant)
      if (!tenant) throw tenantNotFound()
      return { success: true as const, ...presentTenant(tenant) }
    },
  )
}
