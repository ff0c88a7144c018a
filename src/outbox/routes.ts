/**
 * The HTTP routes of outgoing webhooks: a tenant's endpoints and their deliveries. Over 200 lines
 * because each verb is a route.
 */
import type { FastifyInstance, FastifyRequest } from 'fastify'
import type { ZodTypeProvider } from 'fastify-type-provider-zod'
import { z } from 'zod'
import { readPageWithinBudget } from '../api/byte-budget.ts'
import { decodeNumberCursor, nextCursor } from '../api/cursor.ts'
import { readIdempotencyKey } from '../api/idempotency.ts'
import { runIdempotent, runIdempotentWithSecret } from '../api/run-idempotent.ts'
import { problems, tenantPath, toIso } from '../api/wire.ts'
import { recordChange } from '../changes/store.ts'
import type { Database } from '../db/database.ts'
import { type TenantScope, withTenant } from '../db/scope.ts'
import { parseTenantId, type TenantId } from '../db/tenant-id.ts'
import { AppError, integrationNotFound } from '../lib/errors.ts'
import { newId } from '../lib/ids.ts'
import type { KeyRing } from '../lib/seal.ts'
import type { Secret } from '../lib/secret.ts'
import { newWebhookSecret, parseWebhookSecret } from '../lib/standard-webhooks.ts'
import { tenantExists } from '../tenants/store.ts'
import {
  type DeliveryState,
  enqueueDelivery,
  listDeliveries,
  recoverDeliveries,
  resendDelivery,
} from './delivery-history-store.ts'
import type { EndpointState } from './endpoint.ts'
import {
  countEndpoints,
  deleteEndpointRows,
  findEndpointState,
  findEndpointStatus,
  insertEndpoint,
  listEndpoints,
  rotateEndpointSecret,
  updateEndpoint,
} from './endpoint-store.ts'
import { endpointUrlFault } from './public-address.ts'
import {
  createdEndpointResponse,
  deletedResponse,
  deliveriesQuery,
  deliveryListResponse,
  deliveryPath,
  endpointBody,
  endpointChange,
  endpointListResponse,
  endpointPath,
  endpointResponse,
  recoverBody,
  recoverResponse,
  resendResponse,
} from './schema.ts'

export interface OutboxRouteDependencies {
  db: Database
  ring: KeyRing
  /** Endpoints may be in private networks. */
  allowPrivate: boolean
}

const tags = ['webhooks out']
const maxEndpoints = 20
const maxRecovered = 10_000
const none = z.strictObject({})

const endpointNotFound = () => new AppError('endpoint_not_found', 'Endpoint not found')

const presentEndpoint = (one: EndpointState) => ({
  endpoint_id: one.endpointId,
  url: one.url,
  types: one.types,
  in_order: one.inOrder,
  created_at: one.createdAt.toISOString(),
  failing_since: toIso(one.failingSince),
  disabled_at: toIso(one.disabledAt),
  disabled_reason: one.disabledReason,
  previous_secret_expires_at: toIso(one.previousSecretExpiresAt),
  waiting: one.waiting,
})

const presentDelivery = (one: DeliveryState) => ({
  change_id: one.changeId,
  type: one.type,
  state: one.deliveredAt ? ('delivered' as const) : one.dueAt ? ('waiting' as const) : ('failed' as const),
  next_attempt_at: toIso(one.dueAt),
  delivered_at: toIso(one.deliveredAt),
  failure_reason: one.failureReason,
  attempts: one.attempts.map(({ at, ...rest }) => ({ at: new Date(at).toISOString(), ...rest })),
})

export function outboxRoutes(
  instance: FastifyInstance,
  { db, ring, allowPrivate }: OutboxRouteDependencies,
): void {
  const app = instance.withTypeProvider<ZodTypeProvider>()

  function checkUrl(url: string | undefined): void {
    const rule = url === undefined ? undefined : endpointUrlFault(url, allowPrivate)
    if (rule !== undefined)
      throw new AppError('validation_failed', `The URL ${rule}`, { details: [{ pointer: '/url', rule }] })
  }

  function secretOf(given: string | undefined): Secret {
    const secret = given === undefined ? newWebhookSecret() : parseWebhookSecret(given)
    if (secret) return secret
    const rule = 'must be whsec_ followed by 24 to 64 bytes in base64'
    throw new AppError('validation_failed', `The secret ${rule}`, { details: [{ pointer: '/secret', rule }] })
  }

  async function stateOf(scope: TenantScope, tenantId: TenantId, endpointId: string) {
    const state = await findEndpointState(scope, endpointId)
    if (!state) throw endpointNotFound()
    return { success: true as const, tenant_id: tenantId, ...presentEndpoint(state) }
  }

  /** Creates or changes an endpoint and its secret, and shows the secret only once. */
  async function createOnce(
    tenantId: TenantId,
    request: FastifyRequest,
    secret: Secret,
    make: (scope: TenantScope) => Promise<string>,
  ) {
    const shown = await withTenant(db, tenantId, (scope) =>
      runIdempotentWithSecret(scope, readIdempotencyKey(request), async () => {
        const state = await stateOf(scope, tenantId, await make(scope))
        return { answer: { status: 201, body: { ...state, secret: null } }, secret }
      }),
    )
    return { ...shown.body, secret: shown.secret?.reveal() ?? null }
  }

  /** Performs one action on an endpoint, once for each Idempotency-Key. */
  async function runOnce<Body extends object>(
    tenantId: TenantId,
    request: FastifyRequest,
    act: (scope: TenantScope) => Promise<Body>,
  ): Promise<Body> {
    const { body } = await withTenant(db, tenantId, (scope) =>
      runIdempotent(scope, readIdempotencyKey(request), async () => ({
        status: 200,
        body: await act(scope),
      })),
    )
    return body
  }

  async function requireLive(scope: TenantScope, endpointId: string): Promise<void> {
    if ((await findEndpointStatus(scope, endpointId)) !== 'live') throw endpointNotFound()
  }

  async function requireAny(scope: TenantScope, endpointId: string): Promise<void> {
    if (!(await findEndpointStatus(scope, endpointId))) throw endpointNotFound()
  }

  app.post(
    '/api/hubspot/endpoints/:tenant_id',
    {
      config: { access: 'manage', audited: 'endpoints.create' },
      schema: {
        tags,
        operationId: 'endpoints.create',
        params: tenantPath,
        querystring: none,
        body: endpointBody,
        response: { 201: createdEndpointResponse, ...problems },
      },
    },
    async (request, reply) => {
      const tenantId = parseTenantId(request.params.tenant_id)
      const { url, types, in_order: inOrder, secret: given } = request.body
      checkUrl(url)
      const secret = secretOf(given)
      const answer = await createOnce(tenantId, request, secret, async (scope) => {
        if ((await countEndpoints(scope)) >= maxEndpoints)
          throw new AppError('too_many_endpoints', `A tenant can have at most ${maxEndpoints} endpoints`)
        const endpointId = newId()
        const made = { endpointId, url, types: types ?? undefined, inOrder }
        if (!(await insertEndpoint(scope, ring, made, secret))) throw integrationNotFound()
        return endpointId
      })
      return reply.code(201).send(answer)
    },
  )

  app.get(
    '/api/hubspot/endpoints/:tenant_id',
    {
      config: { access: 'manage' },
      schema: {
        tags,
        operationId: 'endpoints.list',
        params: tenantPath,
        querystring: none,
        response: { 200: endpointListResponse, ...problems },
      },
    },
    async (request) => {
      const tenantId = parseTenantId(request.params.tenant_id)
      const endpoints = await withTenant(db, tenantId, async (scope) => {
        if (!(await tenantExists(scope))) throw integrationNotFound()
        return await listEndpoints(scope)
      })
      return { success: true as const, tenant_id: tenantId, endpoints: endpoints.map(presentEndpoint) }
    },
  )

  app.post(
    '/api/hubspot/endpoints/:tenant_id/:endpoint_id',
    {
      config: { access: 'manage', audited: 'endpoints.change' },
      schema: {
        tags,
        operationId: 'endpoints.change',
        description: 'Changes only the given fields.',
        params: endpointPath,
        querystring: none,
        body: endpointChange,
        response: { 200: endpointResponse, ...problems },
      },
    },
    async (request) => {
      const tenantId = parseTenantId(request.params.tenant_id)
      const { endpoint_id: id } = request.params
      const { url, types, in_order: inOrder, enabled } = request.body
      checkUrl(url)
      const change = {
        ...(url === undefined ? {} : { url }),
        ...(types === undefined ? {} : { types }),
        ...(inOrder === undefined ? {} : { inOrder }),
        ...(enabled === undefined ? {} : { enabled }),
      }
      return await runOnce(tenantId, request, async (scope) => {
        if (!(await updateEndpoint(scope, id, change))) throw endpointNotFound()
        return await stateOf(scope, tenantId, id)
      })
    },
  )

  app.delete(
    '/api/hubspot/endpoints/:tenant_id/:endpoint_id',
    {
      config: { access: 'manage', audited: 'endpoints.delete' },
      schema: {
        tags,
        operationId: 'endpoints.delete',
        params: endpointPath,
        querystring: none,
        response: { 200: deletedResponse, ...problems },
      },
    },
    async (request) => {
      const tenantId = parseTenantId(request.params.tenant_id)
      const { endpoint_id: id } = request.params
      await withTenant(db, tenantId, (scope) => requireAny(scope, id))
      while (!(await withTenant(db, tenantId, (scope) => deleteEndpointRows(scope, id, 2_000))));
      return { success: true as const, tenant_id: tenantId, endpoint_id: id }
    },
  )

  app.post(
    '/api/hubspot/endpoints/:tenant_id/:endpoint_id/rotate',
    {
      config: { access: 'manage', audited: 'endpoints.rotate' },
      schema: {
        tags,
        operationId: 'endpoints.rotate',
        description: 'Creates a new secret; the previous one also signs for another 24 hours.',
        params: endpointPath,
        querystring: none,
        response: { 201: createdEndpointResponse, ...problems },
      },
    },
    async (request, reply) => {
      const tenantId = parseTenantId(request.params.tenant_id)
      const { endpoint_id: id } = request.params
      const secret = newWebhookSecret()
      const answer = await createOnce(tenantId, request, secret, async (scope) => {
        if (!(await rotateEndpointSecret(scope, ring, id, secret))) throw endpointNotFound()
        return id
      })
      return reply.code(201).send(answer)
    },
  )

  app.post(
    '/api/hubspot/endpoints/:tenant_id/:endpoint_id/test',
    {
      config: { access: 'manage', audited: 'endpoints.test' },
      schema: {
        tags,
        operationId: 'endpoints.test',
        description: 'Sends an `endpoint.test` webhook to this endpoint only.',
        params: endpointPath,
        querystring: none,
        response: { 202: resendResponse, ...problems },
      },
    },
    async (request, reply) => {
      const tenantId = parseTenantId(request.params.tenant_id)
      const { endpoint_id: id } = request.params
      const answer = await runOnce(tenantId, request, async (scope) => {
        await requireLive(scope, id)
        const seq = await recordChange(scope, 'endpoint.test', null, { endpoint_id: id })
        const changeId = await enqueueDelivery(scope, id, seq)
        return { success: true as const, tenant_id: tenantId, endpoint_id: id, change_id: changeId }
      })
      return reply.code(202).send(answer)
    },
  )

  app.post(
    '/api/hubspot/endpoints/:tenant_id/:endpoint_id/recover',
    {
      config: { access: 'manage', audited: 'endpoints.recover' },
      schema: {
        tags,
        operationId: 'endpoints.recover',
        description: 'Sends the changes since the given time that were not delivered.',
        params: endpointPath,
        querystring: none,
        body: recoverBody,
        response: { 200: recoverResponse, ...problems },
      },
    },
    async (request) => {
      const tenantId = parseTenantId(request.params.tenant_id)
      const { endpoint_id: id } = request.params
      return await runOnce(tenantId, request, async (scope) => {
        await requireLive(scope, id)
        const queued = await recoverDeliveries(scope, id, request.body.since, maxRecovered)
        return { success: true as const, tenant_id: tenantId, endpoint_id: id, queued }
      })
    },
  )

  app.get(
    '/api/hubspot/endpoints/:tenant_id/:endpoint_id/deliveries',
    {
      config: { access: 'manage' },
      schema: {
        tags,
        operationId: 'endpoints.deliveries',
        params: endpointPath,
        querystring: deliveriesQuery,
        response: { 200: deliveryListResponse, ...problems },
      },
    },
    async (request) => {
      const tenantId = parseTenantId(request.params.tenant_id)
      const { endpoint_id: id } = request.params
      const { limit, after } = request.query
      const before = after === undefined ? undefined : decodeNumberCursor(id, after)
      const read = (bytes: number) =>
        withTenant(db, tenantId, async (scope) => {
          await requireAny(scope, id)
          return await listDeliveries(scope, id, { before, limit: limit + 1, bytes })
        })
      const page = await readPageWithinBudget(limit, (...room) => request.reserve(...room), read)
      const next_after = nextCursor(page, id, ({ seq }) => String(seq))
      const deliveries = page.rows.map(presentDelivery)
      return { success: true as const, tenant_id: tenantId, endpoint_id: id, deliveries, next_after }
    },
  )

  app.post(
    '/api/hubspot/endpoints/:tenant_id/:endpoint_id/deliveries/:change_id/resend',
    {
      config: { access: 'manage', audited: 'endpoints.resend' },
      schema: {
        tags,
        operationId: 'endpoints.resend',
        description: 'Sends the webhook again with the same id, even if it was delivered.',
        params: deliveryPath,
        querystring: none,
        response: { 202: resendResponse, ...problems },
      },
    },
    async (request, reply) => {
      const tenantId = parseTenantId(request.params.tenant_id)
      const { endpoint_id: id, change_id: changeId } = request.params
      const answer = await runOnce(tenantId, request, async (scope) => {
        await requireLive(scope, id)
        if (!(await resendDelivery(scope, id, changeId)))
          throw new AppError('delivery_not_found', 'Delivery not found')
        return { success: true as const, tenant_id: tenantId, endpoint_id: id, change_id: changeId }
      })
      return reply.code(202).send(answer)
    },
  )
}
