/** HTTP routes that find and count issues. */
import type { FastifyInstance } from 'fastify'
import type { z } from 'zod'
import { maxPageBytes } from '../api/byte-budget.ts'
import { decodeCursor, decodeIdCursor, encodeCursor } from '../api/cursor.ts'
import { tenantRoute } from '../api/tenant-route.ts'
import { isoTimes, tenantPath } from '../api/wire.ts'
import type { Database } from '../db/database.ts'
import type { TenantScope } from '../db/scope.ts'
import { requireIntegration } from '../integrations/require-integration.ts'
import { AppError, integrationNotFound } from '../lib/errors.ts'
import { requireTenant } from '../tenants/require-tenant.ts'
import { facetsResponse } from './facet-schema.ts'
import { countByTime, countByValue } from './facet-store.ts'
import { presentIssue } from './present-issue.ts'
import { decodePosition, encodePosition, sortOf, usesIndex } from './query.ts'
import { type FacetsQuery, facetsQuery, issuesQuery } from './query-schema.ts'
import { conditionsOf, countIssues, type FoundIssue, findIssues } from './query-store.ts'
import { issuesResponse } from './schema.ts'
import { listIncompleteIndexes } from './search-index-store.ts'
import { listIntegrationIssues, listIssues, type StoredIssue } from './store.ts'

/** PostgreSQL's code for a statement that was cancelled at its time limit. */
const statementTimeout = '57014'

/**
 * Wraps what a broad query makes slow, and nothing that waits for others: then it would be right to
 * repeat the request.
 *
 * @throws AppError query_too_broad in place of the database's own error
 */
const unlessTooBroad = <T>(done: Promise<T>): Promise<T> =>
  done.catch((error: unknown) => {
    if ((error as { code?: string }).code !== statementTimeout) throw error
    throw new AppError('query_too_broad', 'The query takes too long: add a condition that fewer issues meet')
  })

async function readFacets(scope: TenantScope, query: FacetsQuery): Promise<z.infer<typeof facetsResponse>> {
  const { integration_id, interval, time } = query
  if (integration_id !== undefined) await requireIntegration(scope, { integration_id })
  const conditions = await conditionsOf(scope, query)
  const buckets = interval && (await unlessTooBroad(countByTime(scope, conditions, { interval, time })))
  return {
    ...(await unlessTooBroad(countByValue(scope, conditions))),
    buckets: buckets ? buckets.map(isoTimes) : null,
    indexing: await listIncompleteIndexes(scope, integration_id),
  }
}

export function queryRoutes(app: FastifyInstance, { db }: { db: Database }): void {
  tenantRoute(
    app,
    db,
    {
      method: 'GET',
      path: '/api/hubspot/issues/:tenant_id',
      operationId: 'issues.list',
      tags: ['issues'],
      summary: 'List issues',
      description:
        'All conditions must hold. Without `sort`, in the order in which they were first saved; of one integration and without a filter, by ticket id. Paging to the end returns each issue that does not change meanwhile once. Includes tombstones unless `archived=false`. A page may be shorter than `limit`: it ends at 512 KiB.',
      errors: ['invalid_cursor', 'query_too_broad'],
      config: { access: 'read' },
      params: tenantPath,
      query: issuesQuery,
      response: { 200: issuesResponse },
      requires: requireTenant(integrationNotFound),
    },
    async ({ tenantId, query, readPage }) => {
      const { limit, integration_id, after } = query
      const byIndex = usesIndex(query)
      const position = byIndex ? decodePosition(tenantId, query) : undefined
      let counted: { count: number | null; indexing: string[] } = { count: null, indexing: [] }
      /** @returns the conditions, if the index is needed */
      async function begin(scope: TenantScope) {
        if (integration_id !== undefined) await requireIntegration(scope, { integration_id })
        if (!byIndex && !query.count) return undefined
        const conditions = await conditionsOf(scope, query)
        counted = {
          count: query.count ? await unlessTooBroad(countIssues(scope, conditions)) : null,
          indexing: await listIncompleteIndexes(scope, integration_id),
        }
        return conditions
      }
      const archived = query.archived === undefined ? undefined : query.archived === 'true'
      const at = (bytes: number) => ({ archived, limit: limit + 1, bytes })
      const page = await readPage<StoredIssue & Partial<FoundIssue>>(limit, async (scope, bytes) => {
        const conditions = await begin(scope)
        if (byIndex && conditions) {
          const found = findIssues(scope, conditions, sortOf(query), { ...at(bytes), after: position })
          return await unlessTooBroad(found)
        }
        if (integration_id === undefined) {
          const beyond = after === undefined ? undefined : decodeIdCursor(tenantId, after)
          return await listIssues(scope, { ...at(bytes), after: beyond })
        }
        const beyond = after === undefined ? undefined : decodeCursor(integration_id, after, /^\d{1,20}$/)
        return await listIntegrationIssues(scope, {
          ...at(bytes),
          integrationId: integration_id,
          after: beyond,
        })
      })
      const last = page.more ? page.rows.at(-1) : undefined
      return { issues: page.rows.map(presentIssue), next_after: last ? cursorAfter(last) : null, ...counted }

      function cursorAfter(last: StoredIssue & Partial<FoundIssue>): string {
        if (byIndex) return encodePosition(tenantId, query, last as FoundIssue, position)
        return integration_id === undefined
          ? encodeCursor(tenantId, last.issue_id)
          : encodeCursor(integration_id, last.ticket_id)
      }
    },
  )

  tenantRoute(
    app,
    db,
    {
      method: 'GET',
      path: '/api/hubspot/issues/:tenant_id/facets',
      operationId: 'issues.facets',
      tags: ['issues'],
      summary: 'Count issues by their values',
      description:
        'Takes the conditions of `issues.list` and counts what they find by account, pipeline, stage, owner, priority and category, and with `interval` by time.',
      errors: ['query_too_broad'],
      config: { access: 'read' },
      params: tenantPath,
      query: facetsQuery,
      response: { 200: facetsResponse },
      requires: requireTenant(integrationNotFound),
    },
    async ({ query, request, transaction }) => {
      await request.reserve(maxPageBytes)
      return await transaction((scope) => readFacets(scope, query))
    },
  )
}
