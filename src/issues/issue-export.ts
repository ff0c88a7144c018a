/** Exports what a query finds as lines of JSON or CSV, one page per short transaction. */
import { type ReserveBytes, readPageWithinBudget } from '../api/byte-budget.ts'
import type { Database } from '../db/database.ts'
import { type TenantScope, withTenant } from '../db/scope.ts'
import type { TenantId } from '../db/tenant-id.ts'
import type { Clock } from '../lib/clock.ts'
import { integrationNotFound } from '../lib/errors.ts'
import { requireTenant } from '../tenants/require-tenant.ts'
import { columnsOf, csvHeader, csvLine } from './csv.ts'
import { listPropertyNames } from './field-store.ts'
import { allFields, fieldsOf, type IssueFields } from './issue-fields.ts'
import { cursorAfter, type IssuePageRead, type Row, readIssues } from './issue-page.ts'
import { presentIssue } from './present-issue.ts'
import { ticketProperties } from './properties.ts'
import type { ExportQuery, IssuesQuery } from './query-schema.ts'

/** Most issues of one page. */
const maxIssues = 200
/** Most cells of one page of CSV: an empty one takes a comma. */
const maxCells = 250_000

const requireExisting = requireTenant(integrationNotFound)

/** How the format writes a page, and what it needs of each issue. */
interface Writer {
  fields: IssueFields | undefined
  limit: number
  header: string
  lineOf(row: Row): string
  /** After the last page. */
  end(issues: number, indexing: readonly string[]): string
}

/**
 * Walks the query as `issues.list` does, so that each issue that does not change meanwhile comes
 * once. Yields pieces of whole lines, and keeps no connection between them.
 *
 * @param reserve reserves memory for a page of that many bytes, before it is read
 * @throws AppError validation_failed, integration_not_found or query_too_broad before the first
 *   piece; later, when the tenant or the integration is gone or a page takes too long
 */
export async function* exportIssues(
  { db, clock }: { db: Database; clock: Clock },
  tenantId: TenantId,
  { format, csv_safe, ...conditions }: ExportQuery,
  reserve: ReserveBytes = async () => {},
): AsyncGenerator<string> {
  const within = <T>(work: (scope: TenantScope) => Promise<T>) =>
    withTenant(db, tenantId, async (scope) => {
      await requireExisting(scope)
      return await work(scope)
    })
  const asked = fieldsOf(conditions.fields)
  const writer =
    format === 'csv'
      ? await within((scope) => csvWriter(scope, conditions, asked, csv_safe === 'true'))
      : ndjsonWriter(clock, asked)
  const { limit } = writer
  let issues = 0
  for (let query: IssuesQuery = { ...conditions, limit }; ; ) {
    const at = query
    let read: IssuePageRead | undefined
    const { rows, more } = await readPageWithinBudget<Row>(limit, reserve, (bytes) =>
      within(async (scope) => {
        read = await readIssues(scope, tenantId, at, writer.fields, bytes)
        return read.rows
      }),
    )
    const last = rows.at(-1)
    const header = issues === 0 ? writer.header : ''
    issues += rows.length
    const end = more && last ? '' : writer.end(issues, read?.indexing ?? [])
    const piece = header + rows.map(writer.lineOf).join('') + end
    if (piece !== '') yield piece
    if (!more || !last) return
    query = { ...query, after: cursorAfter(tenantId, query, last) }
  }
}

function ndjsonWriter(clock: Clock, fields: IssueFields | undefined): Writer {
  const line = (value: object) => `${JSON.stringify(value)}\n`
  return {
    fields,
    limit: maxIssues,
    header: '',
    lineOf: (row) => line(presentIssue(row, fields ?? allFields)),
    end: (issues, indexing) =>
      line({ complete: true, finished_at: new Date(clock.now()).toISOString(), issues, indexing }),
  }
}

async function csvWriter(
  scope: TenantScope,
  query: Pick<ExportQuery, 'fields' | 'integration_id'>,
  asked: IssueFields | undefined,
  safe: boolean,
): Promise<Writer> {
  // An account whose definitions could not be read has values of these.
  const names = new Set([...(await listPropertyNames(scope, query.integration_id)), ...ticketProperties])
  const columns = columnsOf(query.fields, [...names].sort())
  return {
    fields: asked ?? { has: (name) => name !== 'associations', properties: [] },
    limit: Math.max(1, Math.min(maxIssues, Math.floor(maxCells / columns.length))),
    header: csvHeader(columns),
    lineOf: (row) => csvLine(columns, { ...presentIssue(row, asked ?? allFields) }, safe),
    end: () => '',
  }
}
