/** HTTP routes for tickets (live from HubSpot) and issues (our copy). */
import type { FastifyInstance, FastifyRequest } from 'fastify'
import type { z } from 'zod'
import { decodeCursor, decodeIdCursor, nextCursor } from '../api/cursor.ts'
import { type TenantCall, tenantRoute } from '../api/tenant-route.ts'
import { integrationPath, isoTimes, tenantPath } from '../api/wire.ts'
import type { TenantScope } from '../db/scope.ts'
import type { TenantId } from '../db/tenant-id.ts'
import { callErrors } from '../hubspot/as-app-error.ts'
import { requireIntegration } from '../integrations/require-integration.ts'
import { AppError, integrationNotFound } from '../lib/errors.ts'
import { requireTenant } from '../tenants/require-tenant.ts'
import { type LiveTicketDependencies, listLiveTickets } from './live-tickets.ts'
import { decodePosition, encodePosition, sortOf, usesIndex } from './query.ts'
import { type IssuesQuery, issuesQuery } from './query-schema.ts'
import { conditionsOf, countIssues, findIssues } from './query-store.ts'
import { issue, issuePath, issuesResponse, ticketsQuery, ticketsResponse } from './schema.ts'
import { listIncompleteIndexes } from './search-index-store.ts'
import { findIssue, listIntegrationIssues, listIssues, type StoredIssue } from './store.ts'

export interface IssueRouteDependencies extends LiveTicketDependencies {
  signalOf(request: FastifyRequest): AbortSignal
}

const present = (stored: StoredIssue): z.infer<typeof issue> => ({
  ...isoTimes(stored),
  associations: stored.associations && {
    contacts: stored.associations.contacts ?? null,
    companies: stored.associations.companies ?? null,
    deals: stored.associations.deals ?? null,
  },
})

/** PostgreSQL's code for a statement that was cancelled at its time limit. */
const statementTimeout = '57014'

/** A query that filters, sorts or counts. */
async function runQuery(
  tenantId: TenantId,
  query: IssuesQuery,
  readPage: TenantCall<unknown, unknown, unknown>['readPage'],
): Promise<Omit<z.infer<typeof issuesResponse>, 'success'>> {
  const { limit, integration_id } = query
  const sort = sortOf(query)
  const after = decodePosition(tenantId, query)
  let count: number | null = null
  let indexing: string[] = []
  const read = async (scope: TenantScope, bytes: number) => {
    if (integration_id !== undefined) await requireIntegration(scope, { integration_id })
    indexing = await listIncompleteIndexes(scope, integration_id)
    const conditions = await conditionsOf(scope, query)
    if (query.count) count = await countIssues(scope, conditions, query.count)
    return await findIssues(scope, conditions, sort, { after, limit: limit + 1, bytes })
  }
  const page = await readPage(limit, read).catch((error: unknown) => {
    if ((error as { code?: string }).code !== statementTimeout) throw error
    throw new AppError('query_too_broad', 'The query takes too long: add a condition that fewer issues meet')
  })
  const last = page.more ? page.rows.at(-1) : undefined
  const next_after = last ? encodePosition(tenantId, query, last, after) : null
  return { issues: page.rows.map(present), next_after, count, indexing }
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
      path: '/api/hubspot/issues/:tenant_id',
      operationId: 'issues.list',
      tags: ['issues'],
      summary: 'List issues',
      description:
        'All conditions must hold. Without `sort`, in the order in which they were first saved; of one integration and without a filter, by ticket id. Paging to the end returns no issue twice, and each that did not change meanwhile. Includes tombstones unless `archived=false`. A page may be shorter than `limit`: it ends at 512 KiB.',
      errors: ['invalid_cursor', 'query_too_broad'],
      config: { access: 'read' },
      params: tenantPath,
      query: issuesQuery,
      response: { 200: issuesResponse },
      requires: requireTenant(integrationNotFound),
    },
    async ({ tenantId, query, readPage }) => {
      if (usesIndex(query)) return await runQuery(tenantId, query, readPage)
      const { limit, integration_id, after: cursor } = query
      const archived = query.archived === undefined ? undefined : query.archived === 'true'
      const options = { archived, limit: limit + 1 }
      if (integration_id === undefined) {
        const page = await readPage(limit, async (scope, bytes) => {
          const after = cursor === undefined ? undefined : decodeIdCursor(tenantId, cursor)
          return await listIssues(scope, { ...options, bytes, after })
        })
        const next_after = nextCursor(page, tenantId, (last) => last.issue_id)
        return { issues: page.rows.map(present), next_after, count: null, indexing: [] }
      }
      const page = await readPage(limit, async (scope, bytes) => {
        await requireIntegration(scope, { integration_id })
        const after = cursor === undefined ? undefined : decodeCursor(integration_id, cursor, /^\d{1,20}$/)
        return await listIntegrationIssues(scope, { ...options, bytes, integrationId: integration_id, after })
      })
      const next_after = nextCursor(page, integration_id, (last) => last.ticket_id)
      return { issues: page.rows.map(present), next_after, count: null, indexing: [] }
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
      config: { access: 'read' },
      params: issuePath,
      response: { 200: issue },
      requires: requireTenant(integrationNotFound),
    },
    async ({ params, readPage }) => {
      const { rows } = await readPage(1, async (scope, bytes) => {
        const found = await findIssue(scope, params.issue_id, bytes)
        return found ? [found] : []
      })
      if (!rows[0]) throw new AppError('issue_not_found', 'Issue not found')
      return present(rows[0])
    },
  )
}
