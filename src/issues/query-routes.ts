/** HTTP routes that find and count issues. */
import type { FastifyInstance } from 'fastify'
import type { z } from 'zod'
import { maxPageBytes } from '../api/byte-budget.ts'
import { tenantRoute } from '../api/tenant-route.ts'
import { isoTimes, tenantPath } from '../api/wire.ts'
import type { Database } from '../db/database.ts'
import type { TenantScope } from '../db/scope.ts'
import { requireIntegration } from '../integrations/require-integration.ts'
import { letOthersRun } from '../lib/clock.ts'
import { integrationNotFound } from '../lib/errors.ts'
import { requireTenant } from '../tenants/require-tenant.ts'
import { facetsResponse } from './facet-schema.ts'
import { countByTime, countByValue } from './facet-store.ts'
import { fieldsAnd, fieldsOf } from './issue-fields.ts'
import { filterOf } from './issue-filter-store.ts'
import { cursorAfter, type IssuePageRead, type Row, readIssues } from './issue-page.ts'
import { presentIssue, sendSelected } from './present-issue.ts'
import { type FacetsQuery, facetsQuery, issuesQuery } from './query-schema.ts'
import { issuesResponse } from './schema.ts'
import { listIncompleteIndexes } from './search-index-store.ts'
import { findFragment, type TextQuery } from './text-query.ts'
import { unlessTooBroad } from './too-broad.ts'

async function readFacets(scope: TenantScope, query: FacetsQuery): Promise<z.infer<typeof facetsResponse>> {
  const { integration_id, interval, time } = query
  if (integration_id !== undefined) await requireIntegration(scope, { integration_id })
  const filter = await filterOf(scope, query)
  const buckets = interval && (await unlessTooBroad(countByTime(scope, filter, { interval, time })))
  return {
    ...(await unlessTooBroad(countByValue(scope, filter))),
    buckets: buckets ? buckets.map(isoTimes) : null,
    indexing: await listIncompleteIndexes(scope, integration_id),
  }
}

/** Where words are shown: read also if nobody asks for them. */
const highlighted = ['subject', 'content'] as const

/** Where each issue has what was searched for; null: no text was. */
async function highlightsOf(rows: readonly Row[], text: TextQuery | undefined) {
  if (!text) return null
  const highlights: NonNullable<z.infer<typeof issuesResponse>['highlights']> = {}
  for (const row of rows) {
    highlights[row.issue_id] = highlighted.flatMap((field) => {
      const found = findFragment(row[field] ?? '', text)
      return found ? [{ field, ...found }] : []
    })
    await letOthersRun()
  }
  return highlights
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
      config: { access: 'read', etag: true },
      params: tenantPath,
      query: issuesQuery,
      collects: ['properties'],
      response: { 200: issuesResponse },
      requires: requireTenant(integrationNotFound),
    },
    async ({ tenantId, query, readPage, reply }) => {
      const fields = fieldsOf(query.fields)
      const toRead = fields && query.q !== undefined ? fieldsAnd(fields, highlighted) : fields
      let read: IssuePageRead | undefined
      const page = await readPage<Row>(query.limit, async (scope, bytes) => {
        read = await readIssues(scope, tenantId, query, toRead, bytes)
        return read.rows
      })
      const { count = null, count_is = null, indexing = [], text } = read ?? {}
      const last = page.more ? page.rows.at(-1) : undefined
      sendSelected(reply, fields)
      return {
        issues: page.rows.map((row) => presentIssue(row, fields)),
        next_after: last ? cursorAfter(tenantId, query, last) : null,
        count,
        count_is,
        highlights: await highlightsOf(page.rows, text),
        indexing,
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
      config: { access: 'read', etag: true },
      params: tenantPath,
      query: facetsQuery,
      collects: ['properties'],
      response: { 200: facetsResponse },
      requires: requireTenant(integrationNotFound),
    },
    async ({ query, request, transaction }) => {
      await request.reserve(maxPageBytes)
      return await transaction((scope) => readFacets(scope, query))
    },
  )
}
