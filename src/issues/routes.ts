/** HTTP routes for tickets (live from HubSpot) and issues (our copy). */
import type { FastifyInstance, FastifyRequest } from 'fastify'
import { tenantRoute } from '../api/tenant-route.ts'
import { integrationPath } from '../api/wire.ts'
import { callErrors } from '../hubspot/as-app-error.ts'
import { AppError, integrationNotFound } from '../lib/errors.ts'
import { requireTenant } from '../tenants/require-tenant.ts'
import { checkProperties } from './field-store.ts'
import { fieldsOf } from './issue-fields.ts'
import { type LiveTicketDependencies, listLiveTickets } from './live-tickets.ts'
import { presentIssue, sendSelected } from './present-issue.ts'
import { issue, issuePath, issueQuery, ticketsQuery, ticketsResponse } from './schema.ts'
import { findIssue } from './store.ts'

export interface IssueRouteDependencies extends LiveTicketDependencies {
  signalOf(request: FastifyRequest): AbortSignal
}

/** HubSpot responds in a few hundred ms, and a tenant's calls wait for each other. */
const liveMemoryWaitMs = 10_000

export function issueRoutes(app: FastifyInstance, deps: IssueRouteDependencies): void {
  tenantRoute(
    app,
    deps.db,
    {
      method: 'GET',
      path: '/api/hubspot/tickets/:tenant_id/:integration_id',
      operationId: 'tickets.list',
      tags: ['tickets'],
      summary: 'List tickets live from HubSpot',
      description:
        'Calls HubSpot for each 100 tickets and returns them unchanged, in HubSpot’s order. If texts are long, a page ends early, at 2 MiB. To read many tickets, use `issues.list`, which makes no call to HubSpot.',
      errors: ['invalid_cursor', 'integration_not_connected', ...callErrors],
      config: { access: 'read' },
      params: integrationPath,
      query: ticketsQuery,
      response: { 200: ticketsResponse },
    },
    async ({ tenantId, params, query, request }) => {
      const live = await listLiveTickets(
        deps,
        { tenantId, integrationId: params.integration_id },
        { limit: query.limit, after: query.after },
        deps.signalOf(request),
        (bytes) => request.reserve(bytes, { maxWaitMs: liveMemoryWaitMs }),
      )
      return {
        tickets: live.tickets,
        total_count: live.totalCount,
        total_count_at: live.totalCountAt?.toISOString() ?? null,
        next_after: live.nextAfter,
      }
    },
  )

  tenantRoute(
    app,
    deps.db,
    {
      method: 'GET',
      path: '/api/hubspot/issues/:tenant_id/:issue_id',
      operationId: 'issues.get',
      tags: ['issues'],
      summary: 'Read an issue',
      description:
        'The issue as last synced; `synced_at` says when it last changed here. A tombstone has `archived: true`.',
      errors: ['issue_not_found'],
      config: { access: 'read', etag: true },
      params: issuePath,
      query: issueQuery,
      response: { 200: issue },
      requires: requireTenant(integrationNotFound),
    },
    async ({ params, query, readPage, reply }) => {
      const fields = fieldsOf(query.fields)
      const { rows } = await readPage(1, async (scope, bytes) => {
        await checkProperties(scope, fields, query.fields)
        const found = await findIssue(scope, params.issue_id, bytes, fields)
        return found ? [found] : []
      })
      if (!rows[0]) throw new AppError('issue_not_found', 'Issue not found')
      sendSelected(reply, fields)
      return presentIssue(rows[0], fields)
    },
  )
}
