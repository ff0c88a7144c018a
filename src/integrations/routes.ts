/**
 * HTTP routes for integrations: connect, read, test, disconnect.
 *
 * Over 200 lines because the routes of one connection's life cycle belong together; each handler is
 * a few lines.
 */
import type { FastifyInstance, FastifyRequest } from 'fastify'
import type { ZodTypeProvider } from 'fastify-type-provider-zod'
import { z } from 'zod'
import { sendHtmlPage } from '../api/html-page.ts'
import { mayAccessTenant, type Principal, principalName } from '../api/principal.ts'
import { integrationPath, problems, tenantPath } from '../api/wire.ts'
import { withTenant } from '../db/scope.ts'
import { parseTenantId, type TenantId } from '../db/tenant-id.ts'
import { integrationNotFound } from '../lib/errors.ts'
import { parseUuid } from '../lib/ids.ts'
import { Secret } from '../lib/secret.ts'
import { tenantExists } from '../tenants/store.ts'
import { type ConnectDependencies, connectByAuthorizationCode, connectByToken } from './connect.ts'
import { connectIdempotently } from './connect-idempotently.ts'
import type { TestConnection } from './connection-test.ts'
import { type DisconnectDependencies, disconnectIntegration } from './disconnect.ts'
import { beginAuthorization, invalidState } from './oauth/authorize.ts'
import { connectedPage } from './oauth/connected-page.ts'
import { presentIntegration, presentResources } from './present-integration.ts'
import { listResources } from './resource-store.ts'
import {
  authorizeQuery,
  authorizeResponse,
  callbackBody,
  connectBody,
  disconnectQuery,
  disconnectResponse,
  integrationList,
  integrationResponse,
  statusResponse,
} from './schema.ts'
import { connectionStatus } from './status.ts'
import { findIntegration, listIntegrations } from './store.ts'
import type { Tokens } from './tokens/tokens.ts'

export interface IntegrationRouteDependencies extends ConnectDependencies, DisconnectDependencies {
  /** The source of change notifications for accounts of our own app. Absent: only the schedule. */
  changeSource: 'webhooks' | 'journal' | undefined
  tokens: Tokens
  testConnection: TestConnection
  /** Called after a connect is committed, because there is work. */
  wake(tenantId: TenantId, integrationId: string): void
  /** Aborts when the caller disconnects or the server stops. */
  signalOf(request: FastifyRequest): AbortSignal
}

const tags = ['integrations']

/** The audit log distinguishes a purge from a disconnect. */
const disconnectOrPurge = ({ query }: FastifyRequest) =>
  (query as { purge?: unknown } | undefined)?.purge === 'true'
    ? 'integrations.purge'
    : 'integrations.disconnect'

const tenantOfState = (state: string) => parseUuid(state.split(':', 1)[0] as string) as TenantId | undefined

export function integrationRoutes(instance: FastifyInstance, deps: IntegrationRouteDependencies): void {
  const app = instance.withTypeProvider<ZodTypeProvider>()

  app.get(
    '/api/hubspot/integrations/:tenant_id',
    {
      config: { access: 'read' },
      schema: {
        tags,
        operationId: 'integrations.list',
        params: tenantPath,
        querystring: z.strictObject({}),
        response: { 200: integrationList, ...problems },
      },
    },
    async (request) => {
      const tenantId = parseTenantId(request.params.tenant_id)
      const { found, known } = await withTenant(deps.db, tenantId, async (scope) => {
        if (!(await tenantExists(scope))) throw integrationNotFound()
        return { found: await listIntegrations(scope), known: await listResources(scope) }
      })
      const integrations = found.map((integration) => presentIntegration(tenantId, integration, known))
      return { success: true as const, tenant_id: tenantId, integrations, total_count: integrations.length }
    },
  )

  app.post(
    '/api/hubspot/integrations/:tenant_id',
    {
      config: { access: 'manage', audited: 'integrations.connect', makesTenant: true },
      schema: {
        tags,
        operationId: 'integrations.connect',
        params: tenantPath,
        querystring: z.strictObject({}),
        body: connectBody,
        response: { 200: integrationResponse, 201: integrationResponse, ...problems },
      },
    },
    async (request, reply) => {
      const tenantId = parseTenantId(request.params.tenant_id)
      const token = new Secret(request.body.access_token)
      const { status, body } = await connectIdempotently(
        deps,
        tenantId,
        request,
        ({ renewed }) => (renewed ? 200 : 201),
        (within) => connectByToken(within, tenantId, token, deps.signalOf(request)),
      )
      return reply.code(status).send(body)
    },
  )

  app.get(
    '/api/hubspot/integrations/:tenant_id/:integration_id',
    {
      config: { access: 'read' },
      schema: {
        tags,
        operationId: 'integrations.get',
        params: integrationPath,
        querystring: z.strictObject({}),
        response: { 200: integrationResponse, ...problems },
      },
    },
    async (request) => {
      const tenantId = parseTenantId(request.params.tenant_id)
      const { integration_id } = request.params
      const { found, known } = await withTenant(deps.db, tenantId, async (scope) => ({
        found: await findIntegration(scope, integration_id),
        known: await listResources(scope),
      }))
      if (!found) throw integrationNotFound()
      return { success: true as const, ...presentIntegration(tenantId, found, known) }
    },
  )

  app.delete(
    '/api/hubspot/integrations/:tenant_id/:integration_id',
    {
      config: { access: 'manage', audited: disconnectOrPurge },
      schema: {
        tags,
        operationId: 'integrations.disconnect',
        params: integrationPath,
        querystring: disconnectQuery,
        response: { 200: disconnectResponse, ...problems },
      },
    },
    async (request) => {
      const tenantId = parseTenantId(request.params.tenant_id)
      const { integration_id: integrationId } = request.params
      const purge = request.query.purge === 'true'
      const { revoked, purged } = await disconnectIntegration(
        deps,
        { tenantId, integrationId },
        purge,
        deps.signalOf(request),
      )
      return {
        success: true as const,
        tenant_id: tenantId,
        integration_id: integrationId,
        status: 'disconnected' as const,
        purged,
        revoked,
      }
    },
  )

  app.get(
    '/api/hubspot/status/:tenant_id/:integration_id',
    {
      config: { access: 'read' },
      schema: {
        tags,
        operationId: 'integrations.status',
        params: integrationPath,
        querystring: z.strictObject({}),
        response: { 200: statusResponse, ...problems },
      },
    },
    async (request) => {
      const tenantId = parseTenantId(request.params.tenant_id)
      const { integration_id: integrationId } = request.params
      const options = { retryLimits: deps.retryLimits, signal: deps.signalOf(request) }
      const status = await connectionStatus(deps, { tenantId, integrationId }, options)
      const { integration } = status
      return {
        success: true as const,
        connected: status.connected,
        hub_domain: integration.hubDomain,
        scopes: integration.scopes,
        token_type: 'access' as const,
        expires_in: status.expiresIn,
        tenant_id: tenantId,
        integration_id: integrationId,
        hub_id: integration.hubId,
        status: integration.status,
        change_source: (status.byOAuth && deps.changeSource) || ('polling' as const),
        resources: presentResources(status.resources),
        ...status.trouble,
      }
    },
  )

  app.get(
    '/api/hubspot/authorize/:tenant_id',
    {
      config: { access: 'manage', audited: 'oauth.authorize', makesTenant: true },
      exposeHeadRoute: false,
      schema: {
        tags,
        operationId: 'oauth.authorize',
        params: tenantPath,
        querystring: authorizeQuery,
        response: { 200: authorizeResponse, ...problems },
      },
    },
    async (request) => {
      const tenantId = parseTenantId(request.params.tenant_id)
      const { url, integrationId } = await beginAuthorization(
        deps,
        tenantId,
        request.query.integration_id,
        request.principal as Principal,
      )
      return {
        success: true as const,
        authorization_url: url,
        integration_id: integrationId,
        tenant_id: tenantId,
      }
    },
  )

  app.post(
    '/api/hubspot/oauth/callback',
    {
      config: {
        access: 'manage',
        tenantIn: 'state',
        audited: 'oauth.callback',
        auditedFor: async ({ body, principal }) => ({
          actor: principalName(principal as Principal),
          tenantId: tenantOfState((body as { state: string }).state),
        }),
      },
      schema: {
        tags,
        operationId: 'oauth.callback',
        querystring: z.strictObject({}),
        body: callbackBody,
        response: { 200: integrationResponse, ...problems },
      },
    },
    async (request) => {
      const { state, code } = request.body
      const answer = { state, code: new Secret(code) }
      // A state that names no tenant is refused before anything is done, so it needs no
      // idempotency.
      const tenantId = tenantOfState(state)
      // Check before reading anything of that tenant, including a saved response.
      const principal = request.principal as Principal
      if (tenantId && !mayAccessTenant(principal, tenantId)) throw invalidState()
      const finish = (within: ConnectDependencies) => connectByAuthorizationCode(within, answer, principal)
      const { body } = await connectIdempotently(deps, tenantId, request, () => 200, finish)
      return body
    },
  )

  app.get(
    '/connected',
    {
      config: { access: 'public' },
      schema: {
        tags,
        operationId: 'oauth.connectedPage',
        querystring: z.object({ hub_id: z.string().regex(/^\d{1,15}$/) }),
      },
    },
    (request, reply) => sendHtmlPage(reply, 200, connectedPage(request.query.hub_id)),
  )
}
