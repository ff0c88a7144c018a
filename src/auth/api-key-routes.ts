/** HTTP routes of tenants' keys: the operator manages them, the `manage` scope lists them. */
import type { FastifyInstance } from 'fastify'
import { decodeCursor, toCursorPage } from '../api/cursor.ts'
import { type OnceWithSecret, tenantRoute } from '../api/tenant-route.ts'
import { isoTimes, tenantPath } from '../api/wire.ts'
import type { TenantScope } from '../db/scope.ts'
import { AppError, tenantNotFound } from '../lib/errors.ts'
import { requireTenant } from '../tenants/require-tenant.ts'
import type { TenantRouteDependencies } from '../tenants/routes.ts'
import {
  apiKey,
  apiKeyBody,
  apiKeyListResponse,
  createdApiKey,
  keyPath,
  listQuery,
  rotateApiKeyBody,
} from '../tenants/schema.ts'
import { listApiKeys } from './api-key-store.ts'
import { type CreatedApiKey, createApiKey, revokeApiKey, rotateApiKey } from './api-keys.ts'

const tags = ['api keys'] as const

export function apiKeyRoutes(app: FastifyInstance, { db, ring, open }: TenantRouteDependencies): void {
  function refuseInOpenMode(): void {
    if (open)
      throw new AppError(
        'open_mode',
        'API keys need SPOKE_ADMIN_KEY; without it, Spoke does not check credentials',
      )
  }

  /** The key is returned once: the response stored for a repeated request does not contain it. */
  const createOnce = async (
    onceWithSecret: OnceWithSecret,
    make: (scope: TenantScope) => Promise<CreatedApiKey>,
  ) => {
    const { result, secret } = await onceWithSecret(async (scope) => {
      const { details, key } = await make(scope)
      return { result: isoTimes(details), secret: key }
    })
    return { ...result, api_key: secret }
  }

  tenantRoute(
    app,
    db,
    {
      method: 'POST',
      path: '/api/tenants/:tenant_id/api-keys',
      operationId: 'apiKeys.create',
      tags,
      summary: 'Create an API key',
      description:
        'The response contains the key, only this once: Spoke stores a hash. If the response was lost, revoke the key and create another.',
      errors: ['tenant_not_found', 'open_mode'],
      config: { access: 'admin', audited: 'apiKeys.create' },
      params: tenantPath,
      body: apiKeyBody,
      response: { 201: createdApiKey },
      idempotent: true,
      requires: requireTenant(tenantNotFound),
    },
    async ({ body: { name, scopes, expires_in }, onceWithSecret }) => {
      refuseInOpenMode()
      const lifeMs = expires_in === undefined ? null : expires_in * 1_000
      return await createOnce(onceWithSecret, (scope) => createApiKey(scope, ring, { name, scopes, lifeMs }))
    },
  )

  tenantRoute(
    app,
    db,
    {
      method: 'GET',
      path: '/api/tenants/:tenant_id/api-keys',
      operationId: 'apiKeys.list',
      tags,
      summary: 'List the API keys of a tenant',
      description: 'Includes revoked and expired ones, without their secrets.',
      errors: ['tenant_not_found', 'invalid_cursor'],
      config: { access: 'manage' },
      params: tenantPath,
      query: listQuery,
      response: { 200: apiKeyListResponse },
      requires: requireTenant(tenantNotFound),
    },
    async ({ tenantId, query: { limit, after: cursor }, transaction }) => {
      const after = cursor === undefined ? undefined : decodeCursor(tenantId, cursor, /^[0-9a-f]{16}$/)
      const rows = await transaction((scope) => listApiKeys(scope, { after, limit: limit + 1 }))
      const { shown, next_after } = toCursorPage(rows, limit, tenantId, ({ key_id }) => key_id)
      return { api_keys: shown.map(isoTimes), next_after }
    },
  )

  tenantRoute(
    app,
    db,
    {
      method: 'POST',
      path: '/api/tenants/:tenant_id/api-keys/:key_id/rotate',
      operationId: 'apiKeys.rotate',
      tags,
      summary: 'Replace an API key',
      description:
        'Creates a second key with the same name, scopes and lifetime. Both are valid for `overlap` seconds; then the old one expires.',
      errors: ['tenant_not_found', 'api_key_not_found', 'api_key_not_active', 'open_mode'],
      config: { access: 'admin', audited: 'apiKeys.rotate' },
      params: keyPath,
      body: rotateApiKeyBody,
      response: { 201: createdApiKey },
      idempotent: true,
      requires: requireTenant(tenantNotFound),
    },
    async ({ params, body, onceWithSecret }) => {
      refuseInOpenMode()
      return await createOnce(onceWithSecret, (scope) =>
        rotateApiKey(scope, ring, params.key_id, body.overlap * 1_000),
      )
    },
  )

  tenantRoute(
    app,
    db,
    {
      method: 'DELETE',
      path: '/api/tenants/:tenant_id/api-keys/:key_id',
      operationId: 'apiKeys.revoke',
      tags,
      summary: 'Revoke an API key',
      description: 'Within a second no process accepts it, and its sessions end.',
      errors: ['tenant_not_found', 'api_key_not_found'],
      config: { access: 'admin', audited: 'apiKeys.revoke' },
      params: keyPath,
      response: { 200: apiKey },
    },
    async ({ params, transaction }) =>
      isoTimes(await transaction((scope) => revokeApiKey(scope, params.key_id))),
  )
}
