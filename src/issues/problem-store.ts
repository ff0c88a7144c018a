/** SQL on records that could not be stored as received. */
import { sql } from 'kysely'
import type { SizedRow } from '../api/byte-budget.ts'
import type { TenantScope } from '../db/scope.ts'

export interface RecordProblem {
  record_id: string
  /** repaired: stored, but not verbatim. quarantined: not stored. */
  state: 'repaired' | 'quarantined'
  reason: string
  /** What HubSpot returned, for a quarantined record. */
  record: string | null
}

/** Records the problems of a page, and deletes those of records that no longer have one. */
export async function saveProblems(
  scope: TenantScope,
  integrationId: string,
  kind: string,
  problems: readonly RecordProblem[],
  healthy: readonly string[],
): Promise<void> {
  if (problems.length > 0) {
    await scope.query(sql`
      insert into record_problems as r (tenant_id, integration_id, kind, record_id, state, reason, record)
      select ${scope.tenantId}, ${integrationId}, ${kind}, p.record_id, p.state, p.reason, p.record
      from jsonb_to_recordset(${JSON.stringify(problems)}::jsonb)
        as p(record_id text, state text, reason text, record text)
      on conflict (tenant_id, integration_id, kind, record_id) do update
        set state = excluded.state, reason = excluded.reason, record = excluded.record, found_at = now()
        where (r.state, r.reason, r.record) is distinct from (excluded.state, excluded.reason, excluded.record)`)
  }
  if (healthy.length === 0) return
  await scope.query(
    sql`
    delete from record_problems
    where tenant_id = ${scope.tenantId} and integration_id = ${integrationId} and kind = ${kind}
      and record_id = any(${[...healthy]}::text[])`,
    { prepare: true },
  )
}

export interface FoundProblem extends RecordProblem, SizedRow {
  kind: string
  found_at: Date
}

/**
 * Lists problems of tickets, ordered by record id.
 *
 * @param bytes reason and record are null in rows beyond this limit
 */
export async function listProblems(
  scope: TenantScope,
  integrationId: string,
  {
    after,
    limit,
    bytes = Number.MAX_SAFE_INTEGER,
  }: { after: string | undefined; limit: number; bytes?: number },
): Promise<FoundProblem[]> {
  const beyond = after === undefined ? sql`` : sql`and record_id > ${after}`
  return await scope.query(sql<FoundProblem>`
    select kind, record_id, state, found_at, up_to as "upTo",
      case when up_to <= ${bytes} then reason end as reason, case when up_to <= ${bytes} then record end as record
    from (
      -- A record is JSON already: as text within JSON it has a backslash before each quote.
      select *, (sum(400 + 2 * octet_length(reason) + 2 * coalesce(octet_length(record), 0))
        over (order by record_id))::float8 as up_to
      from (
        select * from record_problems
        where tenant_id = ${scope.tenantId} and integration_id = ${integrationId} and kind = 'tickets' ${beyond}
        order by record_id
        limit ${limit}) page) measured
    order by record_id`)
}
