/** HTTP routes of tenants' keys: the operator manages them, the `manage` scope lists them. */
import type { FastifyInstance, FastifyRequest } from 'fastify'
import type { ZodTypeProvider } from 'fastify-type-provider-zod'
import { z } from 'zod'
import { decodeCursor, toCursorPage } from '../api/cursor.ts'
import { readIdempotencyKey } from '../api/idempotency.ts'
import { runIdempotentWithSecret } from '../api/run-idempotent.ts'
import { problems, tenantPath } from '../api/wire.ts'
import { type TenantScope, withTenant } from '../db/scope.ts'
import { parseTenantId, type TenantId } from '../db/tenant-id.ts'
import { AppError, tenantNotFound } from '../lib/errors.ts'
import type { TenantRouteDependencies } from '../tenants/routes.ts'
import {
  apiKeyBody,
  apiKeyListResponse,
  apiKeyResponse,
  createdApiKeyResponse,
  keyPath,
  listQuery,
  rotateApiKeyBody,
} from '../tenants/schema.ts'
import { tenantExists } from '../tenants/store.ts'
import { type ApiKey, listApiKeys } from './api-key-store.ts'
import { type CreatedApiKey, createApiKey, revokeApiKey, rotateApiKey } from './api-keys.ts'

const present = (key: ApiKey) => ({
  key_id: key.keyId,
  name: key.name,
  scopes: key.scopes,
  created_at: key.createdAt.toISOString(),
  expires_at: key.expiresAt?.toISOString() ?? null,
  revoked_at: key.revokedAt?.toISOString() ?? null,
  last_used_at: key.lastUsedAt?.toISOString() ?? null,
})

export function apiKeyRoutes(instance: FastifyInstance, { db, ring, open }: TenantRouteDependencies): void {
  const app = instance.withTypeProvider<ZodTypeProvider>()
  const tags = ['api keys']

  /**
   * Makes a key and returns it once: the response stored for a repeated request does not contain
   * it.
   */
  async function createOnce(
    tenantId: TenantId,
    request: FastifyRequest,
    make: (scope: TenantScope) => Promise<CreatedApiKey>,
  ): Promise<z.infer<typeof createdApiKeyResponse>> {
    if (open)
      throw new AppError(
        'open_mode',
        'API keys need SPOKE_ADMIN_KEY; without it, Spoke does not check credentials',
      )
    const { body, secret } = await withTenant(db, tenantId, async (scope) => {
      if (!(await tenantExists(scope))) throw tenantNotFound()
      return await runIdempotentWithSecret<z.infer<typeof createdApiKeyResponse>>(
        scope,
        readIdempotencyKey(request),
        async () => {
          const { details, key } = await make(scope)
          const body = { tenant_id: tenantId, ...present(details), api_key: null }
          return { answer: { status: 201, body: { success: true, ...body } }, secret: key }
        },
      )
    })
    return { ...body, api_key: secret?.reveal() ?? null }
  }

  app.post(
    '/api/tenants/:tenant_id/api-keys',
    {
      config: { access: 'admin', audited: 'apiKeys.create' },
      schema: {
        tags,
        operationId: 'apiKeys.create',
        params: tenantPath,
        querystring: z.strictObject({}),
        body: apiKeyBody,
        response: { 201: createdApiKeyResponse, ...problems },
      },
    },
    async (request, reply) => {
      const { name, scopes, expires_in } = request.body
      const lifeMs = expires_in === undefined ? null : expires_in * 1_000
      const tenantId = parseTenantId(request.params.tenant_id)
      const made = await createOnce(tenantId, request, (scope) =>
        createApiKey(scope, ring, { name, scopes, lifeMs }),
      )
      return reply.code(201).send(made)
    },
  )

  app.get(
    '/api/tenants/:tenant_id/api-keys',
    {
      config: { access: 'manage' },
      schema: {
        tags,
        operationId: 'apiKeys.list',
        params: tenantPath,
        querystring: listQuery,
        response: { 200: apiKeyListResponse, ...problems },
      },
    },
    async (request) => {
      const tenantId = parseTenantId(request.params.tenant_id)
      const { limit, after: cursor } = request.query
      const after = cursor === undefined ? undefined : decodeCursor(tenantId, cursor, /^[0-9a-f]{16}$/)
      const rows = await withTenant(db, tenantId, async (scope) => {
        if (!(await tenantExists(scope))) throw tenantNotFound()
        return await listApiKeys(scope, { after, limit: limit + 1 })
      })
      const { shown, next_after } = toCursorPage(rows, limit, tenantId, ({ keyId }) => keyId)
      return { success: true as const, tenant_id: tenantId, api_keys: shown.map(present), next_after }
    },
  )

  app.post(
    '/api/tenants/:tenant_id/api-keys/:key_id/rotate',
    {
      config: { access: 'admin', audited: 'apiKeys.rotate' },
      schema: {
        tags,
        operationId: 'apiKeys.rotate',
        params: keyPath,
        querystring: z.strictObject({}),
        body: rotateApiKeyBody,
        response: { 201: createdApiKeyResponse, ...problems },
      },
    },
    async (request, reply) => {
      const { tenant_id, key_id } = request.params
      const made = await createOnce(parseTenantId(tenant_id), request, (scope) =>
        rotateApiKey(scope, ring, key_id, request.body.overlap * 1_000),
      )
      return reply.code(201).send(made)
    },
  )

  app.delete(
    '/api/tenants/:tenant_id/api-keys/:key_id',
    {
      config: { access: 'admin', audited: 'apiKeys.revoke' },
      schema: {
        tags,
        operationId: 'apiKeys.revoke',
        params: keyPath,
        querystring: z.strictObject({}),
        response: { 200: apiKeyResponse, ...problems },
      },
    },
    async (request) => {
      const tenantId = parseTenantId(request.params.tenant_id)
      const ended = await withTenant(db, tenantId, (scope) => revokeApiKey(scope, request.params.key_id))
      return { success: true as const, tenant_id: tenantId, ...present(ended) }
    },
  )
}
