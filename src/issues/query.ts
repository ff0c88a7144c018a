/** What a query for issues asks for, and its cursor. Pure. */
import { createHash } from 'node:crypto'
import { decodeCursor, encodeCursor } from '../api/cursor.ts'
import type { TenantId } from '../db/tenant-id.ts'
import type { IssuesQuery } from './query-schema.ts'

/** Columns of the index that a query names by their values. */
export const valueColumns = [
  'ticket_id',
  'pipeline_id',
  'stage_id',
  'owner_id',
  'priority',
  'category',
] as const
export const optionalColumns = ['owner_id', 'priority', 'category'] as const
export const timeColumns = ['created_at', 'modified_at', 'synced_at', 'archived_at', 'deleted_at'] as const
export const comparisons = ['gt', 'gte', 'lt', 'lte'] as const
export type Comparison = (typeof comparisons)[number]

/** Parameters that page through the results or add to them, and do not change which there are. */
const paging = ['limit', 'after', 'count', 'fields'] as const
/** Conditions that a list can meet without the search index. */
const ofAnyList = ['integration_id', 'archived'] as const

/** Whether the query needs the search index. */
export function usesIndex(query: IssuesQuery): boolean {
  const plain: readonly string[] = [...paging, ...ofAnyList]
  return conditionsOf(query).some(([name]) => !plain.includes(name))
}

/** The parameters given, apart from those that page, in a fixed order. */
const conditionsOf = (query: IssuesQuery): [string, unknown][] =>
  Object.entries(query)
    .filter(([name, value]) => value !== undefined && !(paging as readonly string[]).includes(name))
    .sort(([a], [b]) => (a < b ? -1 : 1))

export interface Sort {
  column: 'issue_id' | 'created_at' | 'modified_at' | 'rank'
  descending: boolean
}

export function sortOf({ sort, q }: IssuesQuery): Sort {
  if (sort === undefined && q !== undefined) return { column: 'rank', descending: true }
  if (sort === undefined) return { column: 'issue_id', descending: false }
  const descending = sort.startsWith('-')
  return { column: sort.slice(descending ? 1 : 0) as Sort['column'], descending }
}

/** Where a page ends. Times are microseconds since 1970, as the database counts them. */
export interface Position {
  /** The value of the sorted column, as a whole number; absent if sorted by the id alone. */
  key?: string
  issueId: string
  /** When the first page was read. */
  began: string
}

const form = /^(?:(-?\d{1,18})\|)?([\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12})\|(\d{1,18})$/

/** Cursors of one query do not work for another. */
const cursorOwner = (tenantId: TenantId, query: IssuesQuery) =>
  `${tenantId} ${createHash('sha256')
    .update(JSON.stringify(conditionsOf(query)))
    .digest('base64url')
    .slice(0, 22)}`

/** The last row of a page. */
interface LastRow {
  issue_id: string
  /** As in Position; null if sorted by the id alone. */
  sort_key: string | null
  now: string
}

/** The cursor after this row. It keeps the time of the first page. */
export const encodePosition = (
  tenantId: TenantId,
  query: IssuesQuery,
  { sort_key, issue_id, now }: LastRow,
): string => {
  const began = decodePosition(tenantId, query)?.began ?? now
  return encodeCursor(
    cursorOwner(tenantId, query),
    `${sort_key === null ? '' : `${sort_key}|`}${issue_id}|${began}`,
  )
}

/** @throws AppError invalid_cursor */
export function decodePosition(tenantId: TenantId, query: IssuesQuery): Position | undefined {
  if (query.after === undefined) return undefined
  const text = decodeCursor(cursorOwner(tenantId, query), query.after, form)
  const [, key, issueId = '', began = ''] = form.exec(text) ?? []
  return { ...(key === undefined ? {} : { key }), issueId, began }
}
