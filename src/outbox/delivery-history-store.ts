/** SQL for operators of an endpoint: its delivery history, and sending again. */
import { sql } from 'kysely'
import type { z } from 'zod'
import type { SizedRow } from '../api/byte-budget.ts'
import type { RowOf } from '../api/wire.ts'
import type { TenantScope } from '../db/scope.ts'
import type { delivery } from './schema.ts'

export interface DeliveryState
  extends RowOf<Omit<z.infer<typeof delivery>, 'state' | 'next_attempt_at'>, 'delivered_at'>,
    SizedRow {
  seq: number
  due_at: Date | null
}

/** How many attempts are shown of one delivery; sending again can produce more. */
const maxAttemptsShown = 20

/**
 * Newest first, each with its last attempts.
 *
 * @param at.bytes the attempts of rows beyond this size are null
 */
export async function listDeliveries(
  scope: TenantScope,
  endpointId: string,
  at: { before: number | undefined; limit: number; bytes: number },
): Promise<DeliveryState[]> {
  return await scope.query(sql<DeliveryState>`
    select seq, change_id, type, due_at, delivered_at, failure_reason, "upTo",
      case when "upTo" <= ${at.bytes} then attempts end as attempts from (
    select *, (sum(400 + octet_length(attempts::text)) over (order by seq desc))::float8 as "upTo" from (
    select d.seq, c.change_id, c.type, case when d.due_at < 'infinity' then d.due_at end as due_at, d.delivered_at, d.failure_reason,
      coalesce((
        select json_agg(json_build_object('at', a.at, 'duration_ms', a.duration_ms, 'status', a.status, 'error', a.error,
          'response', a.response) order by a.at)
        from (
          select * from attempts t where t.tenant_id = d.tenant_id and t.endpoint_id = d.endpoint_id and t.seq = d.seq
          order by t.at desc limit ${maxAttemptsShown}) a), '[]') as attempts
    from deliveries d left join changes c on c.tenant_id = d.tenant_id and c.seq = d.seq
    where d.tenant_id = ${scope.tenantId} and d.endpoint_id = ${endpointId}
      ${at.before === undefined ? sql`` : sql`and d.seq < ${at.before}`}
    order by d.seq desc
    limit ${at.limit}) page) measured
    order by seq desc`)
}

/**
 * Sends a delivery again, delivered or not.
 *
 * @returns false when it was never addressed to the endpoint
 */
export async function resendDelivery(
  scope: TenantScope,
  endpointId: string,
  changeId: string,
): Promise<boolean> {
  const rows = await scope.query(sql`
    update deliveries d set due_at = clock_timestamp(), delivered_at = null, failure_reason = null, attempt_count = 0
    from changes c
    where d.tenant_id = ${scope.tenantId} and d.endpoint_id = ${endpointId} and c.tenant_id = d.tenant_id and c.seq = d.seq
      and c.change_id = ${changeId}
    returning 1 as one`)
  return rows.length > 0
}

/**
 * Addresses to the endpoint all changes since `since` that were not delivered and are not waiting,
 * as if they were new.
 *
 * @returns how many; if this equals `atMost`, there may be more
 */
export async function recoverDeliveries(
  scope: TenantScope,
  endpointId: string,
  since: string,
  atMost: number,
): Promise<number> {
  const rows = await scope.query(sql`
    insert into deliveries as d (tenant_id, endpoint_id, seq, ordering_key)
    select c.tenant_id, e.endpoint_id, c.seq, c.integration_id || ' ' || c.ticket_id
    from changes c join endpoints e on e.tenant_id = c.tenant_id
    where c.tenant_id = ${scope.tenantId} and e.endpoint_id = ${endpointId} and c.at >= ${since}
      and c.type <> 'endpoint.test' and (e.types is null or c.type = any(e.types))
      and not exists (
        select from deliveries o
        where o.tenant_id = c.tenant_id and o.endpoint_id = e.endpoint_id and o.seq = c.seq
          and (o.delivered_at is not null or o.due_at < 'infinity'))
    order by c.seq
    limit ${atMost}
    on conflict (tenant_id, endpoint_id, seq) do update set due_at = clock_timestamp(), attempt_count = 0, failure_reason = null
      where d.due_at = 'infinity'
    returning 1 as one`)
  return rows.length
}

/**
 * Addresses one change to one endpoint.
 *
 * @returns the change's id
 */
export async function enqueueDelivery(scope: TenantScope, endpointId: string, seq: number): Promise<string> {
  const [row] = await scope.query(sql<{ change_id: string }>`
    with addressed as (
      insert into deliveries (tenant_id, endpoint_id, seq) values (${scope.tenantId}, ${endpointId}, ${seq})
    )
    select change_id from changes where tenant_id = ${scope.tenantId} and seq = ${seq}`)
  return row?.change_id ?? ''
}
