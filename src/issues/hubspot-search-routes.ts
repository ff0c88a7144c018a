/** HTTP routes that answer HubSpot's search of tickets from our copy, in its own form. */
import type { FastifyInstance } from 'fastify'
import type { z } from 'zod'
import { type TenantCall, tenantRoute } from '../api/tenant-route.ts'
import { integrationPath, tenantPath } from '../api/wire.ts'
import type { Database } from '../db/database.ts'
import { requireIntegration } from '../integrations/require-integration.ts'
import { integrationNotFound } from '../lib/errors.ts'
import { requireTenant } from '../tenants/require-tenant.ts'
import { offsetOf, presentResult, searchedProperties, searchSortOf } from './hubspot-search.ts'
import {
  clientSearchResponse,
  type SearchBody,
  searchBody,
  searchQuery,
  searchResponse,
} from './hubspot-search-schema.ts'
import { prepareSearch } from './hubspot-search-store.ts'
import { countIssues, findIssuesSortedBy } from './query-store.ts'
import { listIncompleteIndexes } from './search-index-store.ts'
import { unlessTooBroad } from './too-broad.ts'

/** HubSpot's page, unless the search says otherwise. */
const defaultLimit = 10

type ReadPage = TenantCall<unknown, unknown, unknown>['readPage']

async function search(
  readPage: ReadPage,
  body: SearchBody,
  integrationId: string | undefined,
): Promise<z.infer<typeof searchResponse>> {
  const { limit = defaultLimit } = body
  const [sort, offset] = [searchSortOf(body), offsetOf(body)]
  let total = 0
  let indexing: string[] = []
  const { rows } = await readPage(limit, async (scope, bytes) => {
    if (integrationId !== undefined) await requireIntegration(scope, { integration_id: integrationId })
    const { filter, key } = await prepareSearch(scope, body, sort, integrationId)
    indexing = await listIncompleteIndexes(scope, integrationId)
    total = await unlessTooBroad(countIssues(scope, filter))
    if (limit === 0 || offset >= total) return []
    const at = { descending: sort.descending, offset, limit: limit + 1, bytes }
    return await unlessTooBroad(findIssuesSortedBy(scope, filter, key, at))
  })
  const end = offset + rows.length
  const names = searchedProperties(body)
  return {
    total,
    results: rows.map((row) => presentResult(row, names)),
    ...(rows.length > 0 && end < total ? { paging: { next: { after: String(end) } } } : {}),
    indexing,
  }
}

export function hubSpotSearchRoutes(app: FastifyInstance, { db }: { db: Database }): void {
  tenantRoute(
    app,
    db,
    {
      method: 'POST',
      path: '/api/hubspot/issues/:tenant_id/search',
      operationId: 'issues.search',
      tags: ['issues'],
      summary: 'Search issues as HubSpot does',
      description:
        'Takes the body of HubSpot’s search of tickets and answers in its form from Spoke’s copy: without a rate limit, and without an end after 10,000 results. A page ends at 512 KiB.',
      errors: ['query_too_broad'],
      // Not audited: it only reads. HubSpot's search is a POST.
      config: { access: 'read', audited: false },
      params: tenantPath,
      query: searchQuery,
      body: searchBody,
      response: { 200: searchResponse },
      requires: requireTenant(integrationNotFound),
    },
    ({ query, body, readPage }) => search(readPage, body, query.integration_id),
  )

  tenantRoute(
    app,
    db,
    {
      method: 'POST',
      path: '/api/hubspot/client/:tenant_id/:integration_id/crm/v3/objects/tickets/search',
      operationId: 'issues.searchByClient',
      tags: ['issues'],
      summary: 'Search issues with HubSpot’s client',
      description:
        'The same at the path that HubSpot’s own clients call: set their base path to `/api/hubspot/client/{tenant_id}/{integration_id}` of Spoke, and their access token to a key of Spoke.',
      errors: ['query_too_broad'],
      // Not audited: it only reads. HubSpot's search is a POST.
      config: { access: 'read', audited: false },
      params: integrationPath,
      body: searchBody,
      response: { 200: clientSearchResponse },
    },
    ({ params, body, readPage }) => search(readPage, body, params.integration_id),
  )
}
