/**
 * All SQL on the audit log.
 *
 * A row is added under its chain's lock, which is the last lock its transaction takes.
 */
import { type RawBuilder, sql } from 'kysely'
import type { Query } from '../db/database.ts'
import type { SystemScope, TenantScope } from '../db/scope.ts'
import { type AuditEvent, type AuditRow, type Chain, eventHash, genesisHash, operatorChain } from './event.ts'

const columns = sql`
  seq, extract(epoch from at)::text as at, actor, action, target, address, request_id, phase, result, prev_hash, hash`

/** A chain's table, and the condition that selects its rows. */
interface ChainTable {
  chain: Chain
  table: RawBuilder<unknown>
  where: RawBuilder<unknown>
}

const tenantChain = ({ tenantId }: TenantScope): ChainTable => ({
  chain: tenantId,
  table: sql`audit_events`,
  where: sql`tenant_id = ${tenantId}`,
})
const operatorChainTable: ChainTable = { chain: operatorChain, table: sql`operator_audit`, where: sql`true` }

const chainTableOf = (scope: TenantScope | SystemScope): ChainTable =>
  'tenantId' in scope ? tenantChain(scope) : operatorChainTable

/**
 * Locks the chain until the transaction ends. A separate statement, so that the next one sees what
 * the last lock holder wrote.
 */
const lockChain = (chain: Chain) =>
  sql`select pg_advisory_xact_lock(hashtextextended(${`audit:${chain}`}, 0))`

/** @returns false when there is no such tenant, and nothing was written */
export async function appendTenantAuditEvent(scope: TenantScope, event: AuditEvent): Promise<boolean> {
  // Locks the tenant's row first, so that this waits for a concurrent deletion before it takes the
  // chain's lock.
  const [there] = await scope.query(
    sql`select from tenants where tenant_id = ${scope.tenantId} for key share`,
    { prepare: true },
  )
  if (!there) return false
  const row = await nextRow(scope.query, tenantChain(scope), event)
  await scope.query(
    sql`
    insert into audit_events
      (tenant_id, seq, at, actor, action, target, address, request_id, phase, result, prev_hash, hash)
    values (${scope.tenantId}, ${valuesOf(row)})`,
    { prepare: true },
  )
  return true
}

export async function appendOperatorAuditEvent({ query }: SystemScope, event: AuditEvent): Promise<void> {
  const row = await nextRow(query, operatorChainTable, event)
  await query(
    sql`
    insert into operator_audit
      (seq, at, actor, action, target, address, request_id, phase, result, prev_hash, hash)
    values (${valuesOf(row)})`,
    { prepare: true },
  )
}

/** A row before it is written; `time` is `at` in the form the database accepts. */
type NewRow = AuditRow & { time: string }

/** The event as the next row of the chain, at the database's time. */
async function nextRow(
  query: Query,
  { chain, table, where }: ChainTable,
  event: AuditEvent,
): Promise<NewRow> {
  await query(lockChain(chain))
  const [now] = await query(sql<{ at: string; time: string; seq: number | null; hash: string | null }>`
    select extract(epoch from t)::text as at, t::text as time, seq, hash
    from (select date_trunc('milliseconds', clock_timestamp()) as t) now
    left join lateral (select seq, hash from ${table} where ${where} order by seq desc limit 1) last on true`)
  if (!now) throw new Error('the database returned no time')
  const { at, time, seq, hash } = now
  const row = { ...event, seq: (seq ?? 0) + 1, at, prev_hash: hash ?? genesisHash }
  return { ...row, time, hash: eventHash(chain, row) }
}

const valuesOf = (row: NewRow) => sql`
  ${row.seq}, ${row.time}::timestamptz, ${row.actor}, ${row.action}, ${row.target}, ${row.address}, ${row.request_id},
  ${row.phase}, ${row.result}, ${row.prev_hash}, ${row.hash}`

/** The chain's rows, oldest first. */
export async function auditRowsAfter(
  scope: TenantScope | SystemScope,
  seq: number | undefined,
  limit: number,
): Promise<AuditRow[]> {
  const { table, where } = chainTableOf(scope)
  return await scope.query(sql<AuditRow>`
    select ${columns} from ${table} where ${where} and seq > ${seq ?? '-9223372036854775808'}::bigint
    order by seq limit ${limit}`)
}

/** The chain's rows, newest first. */
export async function auditRowsBefore(
  scope: TenantScope | SystemScope,
  seq: number | undefined,
  limit: number,
): Promise<AuditRow[]> {
  const { table, where } = chainTableOf(scope)
  return await scope.query(sql<AuditRow>`
    select ${columns} from ${table} where ${where} and seq < ${seq ?? '9223372036854775807'}::bigint
    order by seq desc limit ${limit}`)
}

/** The hash of the row with this number now. */
export async function auditHashAt(
  scope: TenantScope | SystemScope,
  seq: number,
): Promise<string | undefined> {
  const { table, where } = chainTableOf(scope)
  const rows = await scope.query(sql<{ hash: string }>`
    select hash from ${table} where ${where} and seq = ${seq}`)
  return rows[0]?.hash
}
