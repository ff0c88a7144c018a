/** Reads one page of what a query finds, with its count: for lists and exports. */
import type { z } from 'zod'
import { decodeCursor, decodeIdCursor, encodeCursor } from '../api/cursor.ts'
import type { TenantScope } from '../db/scope.ts'
import type { TenantId } from '../db/tenant-id.ts'
import { requireIntegration } from '../integrations/require-integration.ts'
import { checkProperties } from './field-store.ts'
import type { IssueFields } from './issue-fields.ts'
import { filterOf, type IssueFilter } from './issue-filter-store.ts'
import { decodePosition, encodePosition, sortOf, usesIndex } from './query.ts'
import type { IssuesQuery } from './query-schema.ts'
import { countIssues, type FoundIssue, findIssues } from './query-store.ts'
import type { issuesResponse } from './schema.ts'
import { listIncompleteIndexes } from './search-index-store.ts'
import { listIntegrationIssues, listIssues, type StoredIssue } from './store.ts'
import type { TextQuery } from './text-query.ts'
import { unlessTooBroad } from './too-broad.ts'

/** Where `count=estimated` stops. */
const maxEstimated = 10_000

/** What a response has beside the page. */
type Counted = Pick<z.infer<typeof issuesResponse>, 'count' | 'count_is' | 'indexing'>

async function readCount(scope: TenantScope, filter: IssueFilter, query: IssuesQuery): Promise<Counted> {
  const indexing = await listIncompleteIndexes(scope, query.integration_id)
  if (query.count === undefined) return { count: null, count_is: null, indexing }
  const atMost = query.count === 'estimated' ? maxEstimated + 1 : undefined
  const count = await unlessTooBroad(countIssues(scope, filter, atMost))
  return count === atMost
    ? { count: maxEstimated, count_is: 'at_least', indexing }
    : { count, count_is: 'exact', indexing }
}

export type Row = StoredIssue & Partial<FoundIssue>

export interface IssuePageRead extends Counted {
  rows: Row[]
  text: TextQuery | undefined
}

/** Reads one row more than the limit, if there is one. */
export async function readIssues(
  scope: TenantScope,
  tenantId: TenantId,
  query: IssuesQuery,
  fields: IssueFields | undefined,
  bytes: number,
): Promise<IssuePageRead> {
  const { integration_id, after } = query
  if (integration_id !== undefined) await requireIntegration(scope, { integration_id })
  await checkProperties(scope, fields, query.fields)
  const byIndex = usesIndex(query)
  const filter = byIndex || query.count ? await filterOf(scope, query) : undefined
  const counted = filter
    ? await readCount(scope, filter, query)
    : { count: null, count_is: null, indexing: [] }
  const limit = query.limit + 1
  if (filter && byIndex) {
    const position = decodePosition(tenantId, query)
    const found = findIssues(scope, filter, sortOf(query), { after: position, limit, bytes, fields })
    return { ...counted, rows: await unlessTooBroad(found), text: filter.text }
  }
  const archived = query.archived === undefined ? undefined : query.archived === 'true'
  if (integration_id === undefined) {
    const beyond = after === undefined ? undefined : decodeIdCursor(tenantId, after)
    const rows = await listIssues(scope, { archived, limit, bytes, fields, after: beyond })
    return { ...counted, rows, text: undefined }
  }
  const beyond = after === undefined ? undefined : decodeCursor(integration_id, after, /^\d{1,20}$/)
  const rows = await listIntegrationIssues(scope, {
    archived,
    limit,
    bytes,
    fields,
    after: beyond,
    integrationId: integration_id,
  })
  return { ...counted, rows, text: undefined }
}

/** The cursor after the last row of a page. */
export function cursorAfter(tenantId: TenantId, query: IssuesQuery, last: Row): string {
  if (usesIndex(query)) return encodePosition(tenantId, query, last as FoundIssue)
  return query.integration_id === undefined
    ? encodeCursor(tenantId, last.issue_id)
    : encodeCursor(query.integration_id, last.ticket_id)
}
