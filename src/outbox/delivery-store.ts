/**
 * All SQL on deliveries and their results. A delivery in flight becomes due again when its lease
 * ends, which is longer than an attempt can take. Over 200 lines because taking and settling a
 * delivery rely on the same lease.
 */
import { sql } from 'kysely'
import type { Change } from '../changes/change.ts'
import { fromNow } from '../db/database.ts'
import { type Scan, type ScanRequest, scanForDue } from '../db/scan.ts'
import type { TenantScope } from '../db/scope.ts'
import { productEndpoint } from './endpoint.ts'

/** The rows of one endpoint. */
export const whereEndpoint = ({ tenantId }: TenantScope, endpointId: string) =>
  sql`tenant_id = ${tenantId} and endpoint_id = ${endpointId}`

export interface TenantEndpoint {
  tenant_id: string
  endpoint_id: string
}

export type EndpointScan = Scan<TenantEndpoint>

/**
 * The endpoints of all tenants with due deliveries, the longest due first: an SQL expression whose
 * value is a JSON EndpointScan.
 *
 * @param scan.withProduct whether this process can send to the product's endpoint
 */
export const dueEndpoints = ({ withProduct, ...scan }: ScanRequest & { withProduct: boolean }) =>
  scanForDue(
    {
      table: 'deliveries',
      id: 'endpoint_id',
      rows: sql`due_at < 'infinity'`,
      joins: sql``,
      groups: withProduct ? sql`true` : sql`g.id <> ${productEndpoint}`,
    },
    scan,
  )

export interface Delivery {
  seq: number
  /** Attempts before this one. */
  attempt_count: number
  /** The lease's end, as text. It differs once the delivery was taken over or requested again. */
  lease: string
  /** undefined: the change is no longer retained */
  change: Change | undefined
}

export interface TakenDeliveries {
  deliveries: Delivery[]
  /** Set when nothing was taken because the oldest due delivery is this long. */
  tooLong?: number
}

/**
 * Leases the due deliveries, the oldest first; no other process takes them within `leaseMs`.
 *
 * @param bytes maximum size of all that is taken
 * @param inOrder skips a change of a ticket while an earlier change of that ticket has not been
 *   delivered
 */
export async function takeDeliveries(
  scope: TenantScope,
  endpointId: string,
  {
    inOrder,
    atMost,
    bytes = Number.MAX_SAFE_INTEGER,
    leaseMs,
  }: { inOrder: boolean; atMost: number; bytes?: number; leaseMs: number },
): Promise<TakenDeliveries> {
  const nothingBefore = sql`and (d.ordering_key is null or not exists (
        select from deliveries b
        where b.tenant_id = d.tenant_id and b.endpoint_id = d.endpoint_id and b.ordering_key = d.ordering_key and b.seq < d.seq
          and b.due_at < 'infinity'))`
  const rows = await scope.query(
    sql<{
      up_to: number
      seq: number
      attempt_count: number
      lease: string | null
      change: (Omit<Change, 'at'> & { at: string }) | null
    }>`
    with due as (
      select d.seq, d.due_at from deliveries d
      where ${whereEndpoint(scope, endpointId)} and d.due_at <= clock_timestamp() ${inOrder ? nothingBefore : sql``}
      order by d.due_at, d.seq
      limit ${atMost}
      for update skip locked
    ),
    sized as (
      select d.seq, (sum(500 + coalesce(c.bytes, 0)) over (order by d.due_at, d.seq))::float8 as up_to
      from due d left join changes c on c.tenant_id = ${scope.tenantId} and c.seq = d.seq
    ),
    taken as (
      update deliveries set due_at = ${fromNow(leaseMs)}
      where ${whereEndpoint(scope, endpointId)} and seq = any(array(select seq from sized where up_to <= ${bytes}))
      returning seq, attempt_count, due_at::text as lease
    )
    select s.up_to, s.seq, t.attempt_count, t.lease, case when c.seq is null then null else json_build_object(
      'seq', c.seq, 'change_id', c.change_id, 'type', c.type, 'at', c.at, 'integration_id', c.integration_id,
      'issue_id', c.issue_id, 'ticket_id', c.ticket_id, 'detail', c.detail) end as change
    from sized s left join taken t on t.seq = s.seq left join changes c on c.tenant_id = ${scope.tenantId} and c.seq = t.seq
    order by s.seq`,
    { prepare: true },
  )
  const deliveries = rows.flatMap(({ seq, attempt_count, lease, change: made }) => {
    const change = made === null ? undefined : { ...made, at: new Date(made.at) }
    return lease === null ? [] : { seq, attempt_count, lease, change }
  })
  const shortest = Math.min(...rows.map(({ up_to }) => up_to))
  return { deliveries, ...(deliveries.length === 0 && rows.length > 0 ? { tooLong: shortest } : {}) }
}

/** What happens to a delivery after an attempt. */
export type DeliveryOutcome = 'delivered' | { waitMs: number } | { failureReason: string }

export interface DeliveryAttempt {
  ms: number
  status: number | undefined
  error: string | undefined
  /** The beginning of the response. */
  response: string | undefined
}

/**
 * Records an attempt, and when the next is due. A success always counts. Any other result is
 * ignored if the delivery was taken over or requested again meanwhile.
 */
export async function saveAttempt(
  scope: TenantScope,
  endpointId: string,
  { seq, lease }: Pick<Delivery, 'seq' | 'lease'>,
  { ms, status, error, response }: DeliveryAttempt,
  next: DeliveryOutcome,
): Promise<void> {
  const ends =
    next === 'delivered'
      ? sql`due_at = case when due_at = ${lease} then 'infinity' else due_at end, delivered_at = clock_timestamp(), failure_reason = null`
      : 'waitMs' in next
        ? sql`due_at = ${fromNow(next.waitMs)}`
        : sql`due_at = 'infinity', failure_reason = ${next.failureReason}`
  await scope.query(
    sql`
    with tried as (
      update deliveries set attempt_count = attempt_count + 1, ${ends}
      where ${whereEndpoint(scope, endpointId)} and seq = ${seq} ${next === 'delivered' ? sql`` : sql`and due_at = ${lease}`}
      returning attempt_count
    )
    insert into attempts (tenant_id, endpoint_id, seq, duration_ms, status, error, response)
    select ${scope.tenantId}, ${endpointId}, ${seq}, ${Math.round(ms)}, ${status ?? null}, ${error ?? null}, ${response ?? null}
    from tried`,
    { prepare: true },
  )
}

/**
 * Fails the waiting deliveries of an endpoint that is gone or disabled.
 *
 * @returns how many
 */
export async function failDeliveries(
  scope: TenantScope,
  endpointId: string,
  why: string,
  atMost: number,
): Promise<number> {
  const rows = await scope.query(sql`
    update deliveries set due_at = 'infinity', failure_reason = ${why}
    where ${whereEndpoint(scope, endpointId)} and due_at < 'infinity' and seq = any(array(
      select seq from deliveries where ${whereEndpoint(scope, endpointId)} and due_at < 'infinity' order by due_at limit ${atMost}))
    returning 1 as one`)
  return rows.length
}

/** Makes a delivery due that was taken but not sent. */
export async function releaseDelivery(
  scope: TenantScope,
  endpointId: string,
  { seq, lease }: Pick<Delivery, 'seq' | 'lease'>,
): Promise<void> {
  await scope.query(sql`
    update deliveries set due_at = clock_timestamp()
    where ${whereEndpoint(scope, endpointId)} and seq = ${seq} and due_at = ${lease}`)
}

const oldDeliveries = ({ tenantId }: TenantScope) => sql`
  from deliveries
  where tenant_id = ${tenantId} and due_at = 'infinity'
    and seq < (select seq from changes where tenant_id = ${tenantId} order by seq limit 1)`

export const hasOldDeliveries = (scope: TenantScope) => sql<boolean>`exists (select ${oldDeliveries(scope)})`

/**
 * Deletes finished deliveries whose change is no longer retained.
 *
 * @returns how many were deleted
 */
export async function deleteOldDeliveries(scope: TenantScope, atMost: number): Promise<number> {
  const rows = await scope.query(sql`
    with old as materialized (
      select endpoint_id, seq ${oldDeliveries(scope)} limit ${atMost}
    ),
    old_attempts as (
      delete from attempts where tenant_id = ${scope.tenantId} and (endpoint_id, seq) in (select endpoint_id, seq from old)
    )
    delete from deliveries where tenant_id = ${scope.tenantId} and (endpoint_id, seq) in (select endpoint_id, seq from old)
    returning 1 as one`)
  return rows.length
}
