/** SQL on the state of an integration's inbox, for its operators. */
import { sql } from 'kysely'
import type { z } from 'zod'
import type { RowOf } from '../api/wire.ts'
import type { SystemScope, TenantScope } from '../db/scope.ts'
import type { deadLetter } from './schema.ts'
import { whereInbox } from './store.ts'

export interface InboxState {
  last_received_at: Date | null
  last_occurred_at: Date | null
  webhooks_missing_since: Date | null
  failures: number
  not_before: Date | null
  error_code: string | null
  waiting: number
  waiting_since: Date | null
  dead_lettered: number
}

export async function findInboxState(scope: TenantScope, integrationId: string): Promise<InboxState> {
  const [state] = await scope.query(sql<InboxState>`
    select s.last_received_at, s.last_occurred_at, s.webhooks_missing_since, coalesce(s.failures, 0) as failures,
      s.not_before, s.error_code, i.waiting, i.waiting_since, i.dead_lettered
    from (
      select coalesce(sum(cardinality(ticket_ids)) filter (where due_at < 'infinity'), 0)::int as waiting,
        min(received_at) filter (where due_at < 'infinity') as waiting_since,
        count(*) filter (where due_at = 'infinity')::int as dead_lettered
      from inbox_entries where ${whereInbox(scope, integrationId)}) i
    left join inboxes s on s.tenant_id = ${scope.tenantId} and s.integration_id = ${integrationId}`)
  return state as InboxState
}

/** Allows for late deliveries and for the difference between HubSpot's clock and ours. */
const deliveryTolerance = sql`interval '2 minutes'`

/**
 * Records missing webhooks: a sync found a ticket that no webhook had reported, and no later
 * webhook arrived either. Applies only to accounts of our own app, because only these have
 * webhooks. The caller must have locked the integration.
 *
 * @param newestAt when the newest such ticket was created, by HubSpot's clock
 * @returns whether this was not known before
 */
export async function recordMissingWebhooks(
  scope: TenantScope,
  integrationId: string,
  newestAt: string,
): Promise<boolean> {
  const rows = await scope.query(sql`
    insert into inboxes as s (tenant_id, integration_id, webhooks_missing_since)
    select tenant_id, integration_id, clock_timestamp() from integration_tokens
    where ${whereInbox(scope, integrationId)} and kind = 'oauth' and ${newestAt}::timestamptz < clock_timestamp() - ${deliveryTolerance}
      and not exists (select from inbox_entries where ${whereInbox(scope, integrationId)} and due_at < 'infinity')
    on conflict (tenant_id, integration_id) do update set webhooks_missing_since = excluded.webhooks_missing_since
      where s.webhooks_missing_since is null and (s.last_occurred_at is null or s.last_occurred_at < ${newestAt})
    returning 1 as one`)
  return rows.length > 0
}

/** Counts the integrations with missing webhooks, over all tenants. */
export async function countMissingWebhooks({ query }: SystemScope): Promise<number> {
  const [row] = await query(sql<{ missing: number }>`
    select count(*)::int as missing from inboxes where webhooks_missing_since is not null`)
  return row?.missing ?? 0
}

export interface DeadLetter extends RowOf<z.infer<typeof deadLetter>, 'occurred_at' | 'received_at'> {
  entry_id: string
}

/** In the order in which they were dead-lettered; each row has one ticket. */
export async function listDeadLetters(
  scope: TenantScope,
  integrationId: string,
  at: { beyond: number | undefined; limit: number },
): Promise<DeadLetter[]> {
  const beyond = at.beyond === undefined ? sql`` : sql`and entry_id > ${at.beyond}`
  return await scope.query(sql<DeadLetter>`
    select entry_id::text, ticket_ids[1] as ticket_id, change, occurred_at, received_at, attempt_count, dead_letter_reason
    from inbox_entries where ${whereInbox(scope, integrationId)} and due_at = 'infinity' ${beyond}
    order by inbox_entries.entry_id
    limit ${at.limit}`)
}

/**
 * Makes dead-lettered changes due again. Each filter that is given narrows the selection.
 *
 * @returns how many
 */
export async function replayDeadLetters(
  scope: TenantScope,
  integrationId: string,
  {
    ticketIds,
    from,
    to,
  }: { ticketIds?: string[] | undefined; from?: string | undefined; to?: string | undefined },
): Promise<number> {
  const rows = await scope.query(sql`
    update inbox_entries set due_at = clock_timestamp(), attempt_count = 0, inconclusive_count = 0, dead_letter_reason = null
    where ${whereInbox(scope, integrationId)} and due_at = 'infinity'
      ${ticketIds === undefined ? sql`` : sql`and ticket_ids && ${ticketIds}::text[]`}
      ${from === undefined ? sql`` : sql`and received_at >= ${from}::timestamptz`}
      ${to === undefined ? sql`` : sql`and received_at <= ${to}::timestamptz`}
    returning 1 as one`)
  return rows.length
}
