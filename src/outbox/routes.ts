/**
 * The HTTP routes of outgoing webhooks: a tenant's endpoints and their deliveries. Over 200 lines
 * because each verb is a route.
 */
import type { FastifyInstance } from 'fastify'
import { z } from 'zod'
import { decodeNumberCursor, nextCursor } from '../api/cursor.ts'
import { tenantRoute } from '../api/tenant-route.ts'
import { isoTimes, tenantPath, toIso } from '../api/wire.ts'
import { recordChange } from '../changes/store.ts'
import type { Database } from '../db/database.ts'
import type { TenantScope } from '../db/scope.ts'
import { AppError, integrationNotFound } from '../lib/errors.ts'
import { newId } from '../lib/ids.ts'
import type { KeyRing } from '../lib/seal.ts'
import type { Secret } from '../lib/secret.ts'
import { newWebhookSecret, parseWebhookSecret } from '../lib/standard-webhooks.ts'
import { requireTenant } from '../tenants/require-tenant.ts'
import {
  type DeliveryState,
  enqueueDelivery,
  listDeliveries,
  recoverDeliveries,
  resendDelivery,
} from './delivery-history-store.ts'
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
  createdEndpoint,
  deliveriesQuery,
  deliveryListResponse,
  deliveryPath,
  endpoint,
  endpointBody,
  endpointChange,
  endpointListResponse,
  endpointPath,
  queuedDelivery,
  recoverBody,
  recoverResponse,
} from './schema.ts'

export interface OutboxRouteDependencies {
  db: Database
  ring: KeyRing
  /** Endpoints may be in private networks. */
  allowPrivate: boolean
}

const tags = ['webhooks out'] as const
const maxEndpoints = 20
const maxRecovered = 10_000

const endpointNotFound = () => new AppError('endpoint_not_found', 'Endpoint not found')

const presentDelivery = ({
  change_id,
  type,
  due_at,
  delivered_at,
  failure_reason,
  attempts,
}: DeliveryState) => ({
  change_id,
  type,
  state: delivered_at ? ('delivered' as const) : due_at ? ('waiting' as const) : ('failed' as const),
  next_attempt_at: toIso(due_at),
  delivered_at: toIso(delivered_at),
  failure_reason,
  attempts: attempts.map(({ at, ...rest }) => ({ at: new Date(at).toISOString(), ...rest })),
})

export function outboxRoutes(
  app: FastifyInstance,
  { db, ring, allowPrivate }: OutboxRouteDependencies,
): void {
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

  async function stateOf(scope: TenantScope, endpointId: string) {
    const state = await findEndpointState(scope, endpointId)
    if (!state) throw endpointNotFound()
    return isoTimes(state)
  }

  async function requireLive(scope: TenantScope, endpointId: string): Promise<void> {
    if ((await findEndpointStatus(scope, endpointId)) !== 'live') throw endpointNotFound()
  }

  async function requireAny(scope: TenantScope, endpointId: string): Promise<void> {
    if (!(await findEndpointStatus(scope, endpointId))) throw endpointNotFound()
  }

  tenantRoute(
    app,
    db,
    {
      method: 'POST',
      path: '/api/hubspot/endpoints/:tenant_id',
      operationId: 'endpoints.create',
      tags,
      summary: 'Create an endpoint',
      description:
        'The URL must use https on port 443 and have a public address. The response contains the secret that signs the webhooks, only this once. A tenant can have 20 endpoints.',
      errors: ['too_many_endpoints'],
      config: { access: 'manage', audited: 'endpoints.create' },
      params: tenantPath,
      body: endpointBody,
      response: { 201: createdEndpoint },
      idempotent: true,
    },
    async ({ body: { url, types, in_order: inOrder, include, secret: given }, onceWithSecret }) => {
      checkUrl(url)
      const secret = secretOf(given)
      const made = await onceWithSecret(async (scope) => {
        if ((await countEndpoints(scope)) >= maxEndpoints)
          throw new AppError('too_many_endpoints', `A tenant can have at most ${maxEndpoints} endpoints`)
        const endpointId = newId()
        const endpoint = { endpointId, url, types: types ?? undefined, inOrder, include }
        if (!(await insertEndpoint(scope, ring, endpoint, secret))) throw integrationNotFound()
        return { result: await stateOf(scope, endpointId), secret }
      })
      return { ...made.result, secret: made.secret }
    },
  )

  tenantRoute(
    app,
    db,
    {
      method: 'GET',
      path: '/api/hubspot/endpoints/:tenant_id',
      operationId: 'endpoints.list',
      tags,
      summary: 'List the endpoints of a tenant',
      description: 'All of them, without their secrets, with the number of webhooks that wait.',
      errors: [],
      config: { access: 'manage' },
      params: tenantPath,
      response: { 200: endpointListResponse },
      requires: requireTenant(integrationNotFound),
    },
    async ({ transaction }) => ({ endpoints: (await transaction(listEndpoints)).map(isoTimes) }),
  )

  tenantRoute(
    app,
    db,
    {
      method: 'POST',
      path: '/api/hubspot/endpoints/:tenant_id/:endpoint_id',
      operationId: 'endpoints.change',
      tags,
      summary: 'Change an endpoint',
      description:
        'Changes only the given fields. `enabled: true` enables a disabled endpoint; `endpoints.recover` then sends what was recorded meanwhile.',
      errors: ['endpoint_not_found'],
      config: { access: 'manage', audited: 'endpoints.change' },
      params: endpointPath,
      body: endpointChange,
      response: { 200: endpoint },
      idempotent: true,
    },
    async ({
      params: { endpoint_id: id },
      body: { url, types, in_order: inOrder, include, enabled },
      once,
    }) => {
      checkUrl(url)
      const change = {
        ...(url === undefined ? {} : { url }),
        ...(types === undefined ? {} : { types }),
        ...(inOrder === undefined ? {} : { inOrder }),
        ...(include === undefined ? {} : { include }),
        ...(enabled === undefined ? {} : { enabled }),
      }
      return await once(async (scope) => {
        if (!(await updateEndpoint(scope, id, change))) throw endpointNotFound()
        return await stateOf(scope, id)
      })
    },
  )

  tenantRoute(
    app,
    db,
    {
      method: 'DELETE',
      path: '/api/hubspot/endpoints/:tenant_id/:endpoint_id',
      operationId: 'endpoints.delete',
      tags,
      summary: 'Delete an endpoint',
      description: 'Also deletes its deliveries, including those that wait.',
      errors: ['endpoint_not_found'],
      config: { access: 'manage', audited: 'endpoints.delete' },
      params: endpointPath,
      response: { 200: z.object({}) },
    },
    async ({ params: { endpoint_id: id }, transaction }) => {
      await transaction((scope) => requireAny(scope, id))
      while (!(await transaction((scope) => deleteEndpointRows(scope, id, 2_000))));
      return {}
    },
  )

  tenantRoute(
    app,
    db,
    {
      method: 'POST',
      path: '/api/hubspot/endpoints/:tenant_id/:endpoint_id/rotate',
      operationId: 'endpoints.rotate',
      tags,
      summary: 'Rotate the secret of an endpoint',
      description:
        'Creates a new secret, shown only this once; the previous one also signs for another 24 hours.',
      errors: ['endpoint_not_found'],
      config: { access: 'manage', audited: 'endpoints.rotate' },
      params: endpointPath,
      response: { 201: createdEndpoint },
      idempotent: true,
    },
    async ({ params: { endpoint_id: id }, onceWithSecret }) => {
      const secret = newWebhookSecret()
      const made = await onceWithSecret(async (scope) => {
        if (!(await rotateEndpointSecret(scope, ring, id, secret))) throw endpointNotFound()
        return { result: await stateOf(scope, id), secret }
      })
      return { ...made.result, secret: made.secret }
    },
  )

  tenantRoute(
    app,
    db,
    {
      method: 'POST',
      path: '/api/hubspot/endpoints/:tenant_id/:endpoint_id/test',
      operationId: 'endpoints.test',
      tags,
      summary: 'Send a test webhook',
      description:
        'Sends an `endpoint.test` webhook to this endpoint only. A disabled endpoint is not found.',
      errors: ['endpoint_not_found'],
      config: { access: 'manage', audited: 'endpoints.test' },
      params: endpointPath,
      response: { 202: queuedDelivery },
      idempotent: true,
    },
    async ({ params: { endpoint_id: id }, once }) =>
      await once(async (scope) => {
        await requireLive(scope, id)
        const seq = await recordChange(scope, 'endpoint.test', null, { endpoint_id: id })
        return { change_id: await enqueueDelivery(scope, id, seq) }
      }),
  )

  tenantRoute(
    app,
    db,
    {
      method: 'POST',
      path: '/api/hubspot/endpoints/:tenant_id/:endpoint_id/recover',
      operationId: 'endpoints.recover',
      tags,
      summary: 'Send undelivered changes again',
      description:
        'Queues the changes since the given time that match the endpoint’s types and were neither delivered nor queued; at most 10,000 per call, so repeat until `queued` is 0. It reaches as far back as the change feed.',
      errors: ['endpoint_not_found'],
      config: { access: 'manage', audited: 'endpoints.recover' },
      params: endpointPath,
      body: recoverBody,
      response: { 200: recoverResponse },
      idempotent: true,
    },
    async ({ params: { endpoint_id: id }, body: { since }, once }) =>
      await once(async (scope) => {
        await requireLive(scope, id)
        return { queued: await recoverDeliveries(scope, id, since, maxRecovered) }
      }),
  )

  tenantRoute(
    app,
    db,
    {
      method: 'GET',
      path: '/api/hubspot/endpoints/:tenant_id/:endpoint_id/deliveries',
      operationId: 'endpoints.deliveries',
      tags,
      summary: 'List the deliveries of an endpoint',
      description: 'Delivered, waiting and failed ones, newest first, each with its attempts.',
      errors: ['endpoint_not_found', 'invalid_cursor'],
      config: { access: 'manage' },
      params: endpointPath,
      query: deliveriesQuery,
      response: { 200: deliveryListResponse },
    },
    async ({ params: { endpoint_id: id }, query: { limit, after }, readPage }) => {
      const before = after === undefined ? undefined : decodeNumberCursor(id, after)
      const page = await readPage(limit, async (scope, bytes) => {
        await requireAny(scope, id)
        return await listDeliveries(scope, id, { before, limit: limit + 1, bytes })
      })
      const next_after = nextCursor(page, id, ({ seq }) => String(seq))
      return { deliveries: page.rows.map(presentDelivery), next_after }
    },
  )

  tenantRoute(
    app,
    db,
    {
      method: 'POST',
      path: '/api/hubspot/endpoints/:tenant_id/:endpoint_id/deliveries/:change_id/resend',
      operationId: 'endpoints.resend',
      tags,
      summary: 'Send a webhook again',
      description: 'Sends the webhook again with the same id, even if it was delivered.',
      errors: ['endpoint_not_found', 'delivery_not_found'],
      config: { access: 'manage', audited: 'endpoints.resend' },
      params: deliveryPath,
      response: { 202: z.object({}) },
      idempotent: true,
    },
    async ({ params: { endpoint_id: id, change_id: changeId }, once }) =>
      await once(async (scope) => {
        await requireLive(scope, id)
        if (!(await resendDelivery(scope, id, changeId)))
          throw new AppError('delivery_not_found', 'Delivery not found')
        return {}
      }),
  )
}
