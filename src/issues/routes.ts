/** HTTP routes for tickets (live from HubSpot) and issues (our copy). */
import type { FastifyInstance, FastifyRequest } from 'fastify'
import type { ZodTypeProvider } from 'fastify-type-provider-zod'
import { z } from 'zod'
import { readPageWithinBudget } from '../api/byte-budget.ts'
import { decodeCursor, decodeIdCursor, nextCursor } from '../api/cursor.ts'
import { integrationPath, problems, tenantPath } from '../api/wire.ts'
import { withTenant } from '../db/scope.ts'
import { parseTenantId } from '../db/tenant-id.ts'
import { findIntegration } from '../integrations/store.ts'
import { AppError, integrationNotFound } from '../lib/errors.ts'
import { tenantExists } from '../tenants/store.ts'
import { type LiveTicketDependencies, listLiveTickets } from './live-tickets.ts'
import {
  type issue,
  issuePath,
  issueResponse,
  issuesQuery,
  issuesResponse,
  ticketsQuery,
  ticketsResponse,
} from './schema.ts'
import { findIssue, listIntegrationIssues, listIssues, type StoredIssue } from './store.ts'

export interface IssueRouteDependencies extends LiveTicketDependencies {
  signalOf(request: FastifyRequest): AbortSignal
}

function present(stored: StoredIssue): z.infer<typeof issue> {
  return {
    issue_id: stored.issueId,
    integration_id: stored.integrationId,
    ticket_id: stored.ticketId,
    subject: stored.subject,
    content: stored.content,
    pipeline_id: stored.pipelineId,
    pipeline_name: stored.pipelineName,
    stage_id: stored.stageId,
    stage_name: stored.stageName,
    stage_closed: stored.stageClosed,
    priority: stored.priority,
    category: stored.category,
    owner_id: stored.ownerId,
    owner_name: stored.ownerName,
    owner_email: stored.ownerEmail,
    created_at: stored.createdAt?.toISOString() ?? null,
    modified_at: stored.modifiedAt?.toISOString() ?? null,
    archived: stored.archived,
    archived_at: stored.archivedAt?.toISOString() ?? null,
    deleted_at: stored.deletedAt?.toISOString() ?? null,
    merged_into: stored.mergedInto,
    url: stored.url,
    properties: stored.properties,
    associations: stored.associations && {
      contacts: stored.associations.contacts ?? null,
      companies: stored.associations.companies ?? null,
      deals: stored.associations.deals ?? null,
    },
    synced_at: stored.syncedAt.toISOString(),
  }
}

/** HubSpot responds in a few hundred ms, and a tenant's calls wait for each other. */
const liveMemoryWaitMs = 10_000

export function issueRoutes(instance: FastifyInstance, deps: IssueRouteDependencies): void {
  const app = instance.withTypeProvider<ZodTypeProvider>()

  app.get(
    '/api/hubspot/tickets/:tenant_id/:integration_id',
    {
      config: { access: 'read' },
      schema: {
        tags: ['tickets'],
        operationId: 'tickets.list',
        params: integrationPath,
        querystring: ticketsQuery,
        response: { 200: ticketsResponse, ...problems },
      },
    },
    async (request) => {
      const tenantId = parseTenantId(request.params.tenant_id)
      const { integration_id: integrationId } = request.params
      const { limit, after } = request.query
      const live = await listLiveTickets(
        deps,
        { tenantId, integrationId },
        { limit, after },
        deps.signalOf(request),
        (bytes) => request.reserve(bytes, { maxWaitMs: liveMemoryWaitMs }),
      )
      return {
        success: true as const,
        tickets: live.tickets,
        total_count: live.totalCount,
        total_count_at: live.totalCountAt?.toISOString() ?? null,
        tenant_id: tenantId,
        integration_id: integrationId,
        next_after: live.nextAfter,
      }
    },
  )

  app.get(
    '/api/hubspot/issues/:tenant_id',
    {
      config: { access: 'read' },
      schema: {
        tags: ['issues'],
        operationId: 'issues.list',
        params: tenantPath,
        querystring: issuesQuery,
        response: { 200: issuesResponse, ...problems },
      },
    },
    async (request) => {
      const tenantId = parseTenantId(request.params.tenant_id)
      const { limit, integration_id: integrationId, after: cursor } = request.query
      const archived = request.query.archived === undefined ? undefined : request.query.archived === 'true'
      const read = (bytes: number) =>
        withTenant(deps.db, tenantId, async (scope) => {
          if (!(await tenantExists(scope))) throw integrationNotFound()
          const page = { archived, limit: limit + 1, bytes }
          if (integrationId === undefined) {
            const after = cursor === undefined ? undefined : decodeIdCursor(tenantId, cursor)
            return await listIssues(scope, { ...page, after })
          }
          if (!(await findIntegration(scope, integrationId))) throw integrationNotFound()
          const after = cursor === undefined ? undefined : decodeCursor(integrationId, cursor, /^\d{1,20}$/)
          return await listIntegrationIssues(scope, { ...page, integrationId, after })
        })
      const page = await readPageWithinBudget(
        limit,
        (...reservation) => request.reserve(...reservation),
        read,
      )
      const next_after =
        integrationId === undefined
          ? nextCursor(page, tenantId, (last) => last.issueId)
          : nextCursor(page, integrationId, (last) => last.ticketId)
      return { success: true as const, tenant_id: tenantId, issues: page.rows.map(present), next_after }
    },
  )

  app.get(
    '/api/hubspot/issues/:tenant_id/:issue_id',
    {
      config: { access: 'read' },
      schema: {
        tags: ['issues'],
        operationId: 'issues.get',
        params: issuePath,
        querystring: z.strictObject({}),
        response: { 200: issueResponse, ...problems },
      },
    },
    async (request) => {
      const tenantId = parseTenantId(request.params.tenant_id)
      const read = (bytes: number) =>
        withTenant(deps.db, tenantId, async (scope) => {
          if (!(await tenantExists(scope))) throw integrationNotFound()
          const found = await findIssue(scope, request.params.issue_id, bytes)
          return found ? [found] : []
        })
      const {
        rows: [found],
      } = await readPageWithinBudget(1, (...room) => request.reserve(...room), read)
      if (!found) throw new AppError('issue_not_found', 'Issue not found')
      return { success: true as const, tenant_id: tenantId, ...present(found) }
    },
  )
}
