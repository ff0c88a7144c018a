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
import { tenantRoute } from '../api/tenant-route.ts'
import { integrationPath, noQuery, responseOf, tenantPath } from '../api/wire.ts'
import type { TenantId } from '../db/tenant-id.ts'
import { connectErrors } from '../hubspot/as-app-error.ts'
import { integrationNotFound } from '../lib/errors.ts'
import { parseUuid } from '../lib/ids.ts'
import { Secret } from '../lib/secret.ts'
import { requireTenant } from '../tenants/require-tenant.ts'
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
  integration,
  integrationList,
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
  wake(): void
  /** Aborts when the caller disconnects or the server stops. */
  signalOf(request: FastifyRequest): AbortSignal
}

const tags = ['integrations'] as const

/** The audit log distinguishes a purge from a disconnect. */
const disconnectOrPurge = ({ query }: FastifyRequest) =>
  (query as { purge?: unknown } | undefined)?.purge === 'true'
    ? 'integrations.purge'
    : 'integrations.disconnect'

const tenantOfState = (state: string) => parseUuid(state.split(':', 1)[0] as string) as TenantId | undefined

export function integrationRoutes(instance: FastifyInstance, deps: IntegrationRouteDependencies): void {
  const app = instance.withTypeProvider<ZodTypeProvider>()

  tenantRoute(
    app,
    deps.db,
    {
      method: 'GET',
      path: '/api/hubspot/integrations/:tenant_id',
      operationId: 'integrations.list',
      tags,
      summary: 'List the integrations of a tenant',
      description:
        'All of them, oldest first, including pending and disconnected ones. This makes no call to HubSpot.',
      errors: [],
      config: { access: 'read' },
      params: tenantPath,
      response: { 200: integrationList },
      requires: requireTenant(integrationNotFound),
    },
    async ({ tenantId, transaction }) => {
      const { found, known } = await transaction(async (scope) => ({
        found: await listIntegrations(scope),
        known: await listResources(scope),
      }))
      const integrations = found.map((one) => presentIntegration(tenantId, one, known))
      return { integrations, total_count: integrations.length }
    },
  )

  tenantRoute(
    app,
    deps.db,
    {
      method: 'POST',
      path: '/api/hubspot/integrations/:tenant_id',
      operationId: 'integrations.connect',
      tags,
      summary: 'Connect a HubSpot account with a token',
      description:
        'Accepts a private-app token, a static token, a service key, or an OAuth access token. Spoke tests the token, stores it sealed, and starts a sync. The response is 200 instead of 201 if the tenant already had this HubSpot account: the integration keeps its id and data. The operator’s first call for a new UUID creates the tenant. On an error nothing is stored.',
      errors: ['tenant_erasing', ...connectErrors],
      config: { access: 'manage', audited: 'integrations.connect', makesTenant: true },
      params: tenantPath,
      body: connectBody,
      response: { 200: integration, 201: integration },
      idempotent: true,
    },
    async ({ tenantId, body: { access_token }, request, reply }) => {
      const token = new Secret(access_token)
      const connected = await connectIdempotently(
        deps,
        tenantId,
        request,
        ({ renewed }) => (renewed ? 200 : 201),
        (within) => connectByToken(within, tenantId, token, deps.signalOf(request)),
      )
      reply.code(connected.status)
      return connected.body
    },
  )

  tenantRoute(
    app,
    deps.db,
    {
      method: 'GET',
      path: '/api/hubspot/integrations/:tenant_id/:integration_id',
      operationId: 'integrations.get',
      tags,
      summary: 'Read an integration',
      description:
        'As last known; to test the connection, use `integrations.status`. An id that was replaced by a reconnect still works, and the response names the current one.',
      errors: [],
      config: { access: 'read' },
      params: integrationPath,
      response: { 200: integration },
    },
    async ({ tenantId, params, transaction }) => {
      const { found, known } = await transaction(async (scope) => ({
        found: await findIntegration(scope, params.integration_id),
        known: await listResources(scope),
      }))
      if (!found) throw integrationNotFound()
      return presentIntegration(tenantId, found, known)
    },
  )

  tenantRoute(
    app,
    deps.db,
    {
      method: 'DELETE',
      path: '/api/hubspot/integrations/:tenant_id/:integration_id',
      operationId: 'integrations.disconnect',
      tags,
      summary: 'Disconnect an integration',
      description:
        'Deletes the tokens, cancels its runs and stops the schedule. Issues and history stay unless `purge=true`. An OAuth token is then revoked at HubSpot, unless another integration uses the same account.',
      errors: [],
      config: { access: 'manage', audited: disconnectOrPurge },
      params: integrationPath,
      query: disconnectQuery,
      response: { 200: disconnectResponse },
    },
    async ({ tenantId, params: { integration_id: integrationId }, query, request }) => {
      const { revoked, purged } = await disconnectIntegration(
        deps,
        { tenantId, integrationId },
        query.purge === 'true',
        deps.signalOf(request),
      )
      return { status: 'disconnected' as const, purged, revoked }
    },
  )

  tenantRoute(
    app,
    deps.db,
    {
      method: 'GET',
      path: '/api/hubspot/status/:tenant_id/:integration_id',
      operationId: 'integrations.status',
      tags,
      summary: 'Test the connection to HubSpot',
      description:
        'Calls HubSpot each time; concurrent requests share one call. A broken connection is also a 200, with `connected: false`, the reason in `code` and `error`, and the last known values.',
      errors: [],
      config: { access: 'read' },
      params: integrationPath,
      response: { 200: statusResponse },
    },
    async ({ tenantId, params: { integration_id: integrationId }, request }) => {
      const options = { retryLimits: deps.retryLimits, signal: deps.signalOf(request) }
      const status = await connectionStatus(deps, { tenantId, integrationId }, options)
      const { integration } = status
      return {
        connected: status.connected,
        hub_domain: integration.hub_domain,
        scopes: integration.scopes,
        token_type: 'access' as const,
        expires_in: status.expiresIn,
        hub_id: integration.hub_id,
        status: integration.status,
        change_source: (status.byOAuth && deps.changeSource) || ('polling' as const),
        resources: presentResources(status.resources),
        ...status.trouble,
      }
    },
  )

  tenantRoute(
    app,
    deps.db,
    {
      method: 'GET',
      path: '/api/hubspot/authorize/:tenant_id',
      operationId: 'oauth.authorize',
      tags,
      summary: 'Begin to connect a HubSpot account by OAuth',
      description:
        'Send the tenant’s browser to `authorization_url` within ten minutes. Without `integration_id` this creates a pending integration; its id stays valid if an older one is renewed instead. A tenant can have twenty unfinished authorizations; newer ones replace the oldest.',
      errors: ['oauth_not_configured', 'tenant_erasing'],
      config: { access: 'manage', audited: 'oauth.authorize', makesTenant: true },
      exposeHeadRoute: false,
      params: tenantPath,
      query: authorizeQuery,
      response: { 200: authorizeResponse },
    },
    async ({ tenantId, query, request }) => {
      const { url, integrationId } = await beginAuthorization(
        deps,
        tenantId,
        query.integration_id,
        request.principal as Principal,
      )
      return { authorization_url: url, integration_id: integrationId }
    },
  )

  app.post(
    '/api/hubspot/oauth/callback',
    {
      config: {
        access: 'manage',
        tenantIn: 'state',
        requestHeaders: ['Idempotency-Key'],
        errors: ['invalid_state', 'oauth_code_rejected', 'hub_changed', 'tenant_erasing', ...connectErrors],
        audited: 'oauth.callback',
        auditedFor: async ({ body, principal }) => ({
          actor: principalName(principal as Principal),
          tenantId: tenantOfState((body as { state: string }).state),
        }),
      },
      schema: {
        tags,
        operationId: 'oauth.callback',
        summary: 'Finish connecting by OAuth',
        description:
          'For a program that received the code and the state itself; a browser uses the GET. Connects at once. The caller that started the authorization must finish it: the operator, or any credential of the same tenant.',
        querystring: noQuery,
        body: callbackBody,
        response: { 200: responseOf(integration) },
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
      config: { access: 'public', sends: ['text/html', 'The page'] },
      schema: {
        tags,
        operationId: 'oauth.connectedPage',
        summary: 'Show the page after connecting',
        description: 'Where the browser ends up after connecting. It depends only on `hub_id`.',
        querystring: z.object({ hub_id: z.string().regex(/^\d{1,15}$/) }),
      },
    },
    (request, reply) => sendHtmlPage(reply, 200, connectedPage(request.query.hub_id)),
  )
}
