/**
 * SQL on the inbox. A change is stored through the system role, once for each integration on its
 * account, and drained in the tenant's scope. Over 200 lines because taking rows apart and putting
 * them back is one operation.
 */
import { type RawBuilder, sql } from 'kysely'
import { fromNow } from '../db/database.ts'
import type { SystemScope, TenantScope } from '../db/scope.ts'
import type { TicketChange, TicketChangeType } from '../hubspot/events/webhook-event.ts'
import { chunks } from '../lib/chunks.ts'

export interface EnqueueResult {
  /** It was stored before; nothing was stored again. */
  replayed: boolean
  /** Ticket changes of accounts that no integration is connected to. */
  unknown: number
}

/**
 * Stores several batches of HubSpot's changes in one statement, together with the check that each batch
 * is stored only once.
 *
 * @param deduplication named queries; the last one, `fresh`, returns the number (`nth`, from 0) of each batch
 *   that is new
 * @param windowMs changes that arrive within this time are drained together
 * @returns one entry per batch
 */
export async function enqueueChanges(
  { query }: SystemScope,
  deduplication: RawBuilder<unknown>,
  batches: readonly (readonly TicketChange[])[],
  windowMs: number,
): Promise<EnqueueResult[]> {
  return await query(
    sql<EnqueueResult>`
    with ${deduplication},
    reported as materialized (
      select * from jsonb_to_recordset(${JSON.stringify(batches.flatMap(inboxRowsOf))}::jsonb)
        as h(nth int, hub_id bigint, change text, ticket_ids text[], occurred_at timestamptz)
    ),
    enqueued as (
      insert into inbox_entries (tenant_id, integration_id, due_at, ticket_ids, change, occurred_at)
      select r.tenant_id, r.integration_id, ${fromNow(windowMs)}, h.ticket_ids, h.change, h.occurred_at
      from fresh join reported h using (nth) join account_routes r using (hub_id)
    )
    select not exists (select from fresh f where f.nth = lot.nth) as replayed,
      (select coalesce(sum(cardinality(h.ticket_ids)), 0)::int from reported h
        where h.nth = lot.nth and not exists (select from account_routes r where r.hub_id = h.hub_id)) as unknown
    from jsonb_to_recordset(${JSON.stringify(batches.map((_, nth) => ({ nth })))}::jsonb) as lot(nth int)
    order by nth`,
    { prepare: true },
  )
}

export interface SignedDelivery {
  /** Hash of the signature. A retry by HubSpot has a different signature. */
  hash: Buffer
  changes: readonly TicketChange[]
}

/** @returns one entry per delivery; of two with the same signature the first is stored */
export const enqueueDeliveries = (
  scope: SystemScope,
  deliveries: readonly SignedDelivery[],
  windowMs: number,
): Promise<EnqueueResult[]> =>
  enqueueChanges(
    scope,
    sql`given as (
      select distinct on (hash) decode(hash, 'hex') as signature_hash, nth
      from jsonb_to_recordset(${JSON.stringify(deliveries.map(({ hash }, nth) => ({ nth, hash: hash.toString('hex') })))}::jsonb)
        as g(nth int, hash text)
      order by hash, nth
    ),
    noted as (
      insert into webhook_receipts (signature_hash) select signature_hash from given
      on conflict do nothing returning signature_hash
    ),
    fresh as (select nth from given join noted using (signature_hash))`,
    deliveries.map(({ changes }) => changes),
    windowMs,
  )

/** Tickets per row. A merge can name more; the others go into further rows. */
const ticketsPerRow = 100

/** Builds rows for each account and type of change, with the latest time and no ticket twice. */
function inboxRowsOf(changes: readonly TicketChange[], nth: number) {
  const kinds = Map.groupBy(changes, ({ hubId, type }) => `${hubId} ${type}`)
  return [...kinds.values()].flatMap((alike) => {
    const [{ hubId, type }] = alike as [TicketChange]
    const ids = [...new Set(alike.flatMap(({ ticketIds }) => ticketIds))]
    const occurred_at = new Date(Math.max(...alike.map(({ occurredAt }) => occurredAt))).toISOString()
    return chunks(ids, ticketsPerRow).map((ticket_ids) => ({
      nth,
      hub_id: hubId,
      change: type,
      ticket_ids,
      occurred_at,
    }))
  })
}

/** Condition that selects the rows of one integration. */
export const whereInbox = ({ tenantId }: TenantScope, integrationId: string) =>
  sql`tenant_id = ${tenantId} and integration_id = ${integrationId}`

export interface InboxRow {
  entry_id: string
  /** As text: this is part of the key, and a JavaScript Date would lose the microseconds. */
  due_at: string
  /** Not yet drained. */
  ticket_ids: string[]
  change: TicketChangeType
  attempt_count: number
  inconclusive_count: number
  occurred_at: Date
  received_at: Date
}

/** One ticket of a row. */
export interface InboxItem {
  row: InboxRow
  ticketId: string
}

/**
 * Selects what is due and what arrived within the window, oldest first. Postponed rows wait for
 * their own time.
 *
 * @param atMost tickets, counted per row; a row that exceeds it is taken whole
 */
export async function findDueRows(
  scope: TenantScope,
  integrationId: string,
  windowMs: number,
  atMost: number,
): Promise<InboxRow[]> {
  return await scope.query(
    sql<InboxRow>`
    with due as (
      select * from inbox_entries
      where ${whereInbox(scope, integrationId)} and due_at <= ${fromNow(windowMs)}
        and (attempt_count + inconclusive_count = 0 or due_at <= clock_timestamp())
      order by due_at, entry_id
      limit ${atMost}
    ),
    counted as (
      select *, sum(cardinality(ticket_ids)) over (order by due_at, entry_id) - cardinality(ticket_ids) as before from due
    )
    select entry_id::text, due_at::text, ticket_ids, change, attempt_count, inconclusive_count, occurred_at, received_at
    from counted where before < ${atMost}
    order by counted.due_at, counted.entry_id`,
    { prepare: true },
  )
}

const idsOf = (items: readonly InboxItem[]) => items.map(({ ticketId }) => ticketId)

/** The tickets left in each row once these items are done. */
export const remainingTickets = (items: readonly InboxItem[]): Map<InboxRow, string[]> =>
  new Map(
    [...Map.groupBy(items, ({ row }) => row)].map(([row, some]) => {
      const done = new Set(idsOf(some))
      return [row, row.ticket_ids.filter((id) => !done.has(id))]
    }),
  )

/**
 * Removes items from the inbox, in the transaction that saves the result. The given row objects are
 * not changed.
 */
export async function removeFromInbox(
  scope: TenantScope,
  integrationId: string,
  items: readonly InboxItem[],
): Promise<void> {
  const rows = [...remainingTickets(items)]
  const done = rows.filter(([, left]) => left.length === 0)
  const more = rows.filter(([, left]) => left.length > 0)
  const keys = (some: readonly (readonly [InboxRow, string[]])[]) =>
    sql`${some.map(([{ due_at }]) => due_at)}::text[]::timestamptz[], ${some.map(([{ entry_id }]) => entry_id)}::bigint[]`
  if (done.length > 0)
    await scope.query(
      sql`
      delete from inbox_entries where ${whereInbox(scope, integrationId)}
        and (due_at, entry_id) in (select * from unnest(${keys(done)}))`,
      { prepare: true },
    )
  if (more.length > 0)
    await scope.query(sql`
      update inbox_entries i set ticket_ids = array(select jsonb_array_elements_text(l.left_over))
      from unnest(${keys(more)}, ${more.map(([, left]) => JSON.stringify(left))}::jsonb[]) as l(due_at, entry_id, left_over)
      where ${whereInbox(scope, integrationId)} and (i.due_at, i.entry_id) = (l.due_at, l.entry_id)`)
}

/** Inserts rows again with their data; the same transaction has removed them. */
async function reinsert(
  scope: TenantScope,
  integrationId: string,
  rows: readonly (InboxRow & { why?: string })[],
  dueAt: RawBuilder<unknown>,
): Promise<void> {
  if (rows.length === 0) return
  await scope.query(sql`
    insert into inbox_entries (tenant_id, integration_id, due_at, ticket_ids, change, occurred_at, received_at,
      attempt_count, inconclusive_count, dead_letter_reason)
    select ${scope.tenantId}, ${integrationId}, ${dueAt}, ticket_ids, change, occurred_at, received_at,
      attempt_count, inconclusive_count, why
    from jsonb_to_recordset(${JSON.stringify(rows)}::jsonb) as r(ticket_ids text[], change text, occurred_at timestamptz,
      received_at timestamptz, attempt_count smallint, inconclusive_count smallint, why text)`)
}

/** Fits the column; a higher count would say no more. */
const maxCount = 1_000

/**
 * Schedules another read.
 *
 * @param reason attempt_count: HubSpot refused to return the ticket. inconclusive_count: a response
 *   proved nothing. left_out: there was no response for it, which is not counted; only the fact that
 *   it waits for its own time is recorded
 */
export async function postponeItems(
  scope: TenantScope,
  integrationId: string,
  items: readonly InboxItem[],
  waitMs: number,
  reason: 'attempt_count' | 'inconclusive_count' | 'left_out',
): Promise<void> {
  const rows = [...Map.groupBy(items, ({ row }) => row)].map(([row, some]) => ({
    ...row,
    ...(reason === 'left_out'
      ? { inconclusive_count: Math.max(row.inconclusive_count, 1) }
      : { [reason]: Math.min(row[reason] + 1, maxCount) }),
    ticket_ids: idsOf(some),
  }))
  await reinsert(scope, integrationId, rows, fromNow(waitMs))
}

/** Dead-letters each ticket in a row of its own, until an operator replays it. */
export async function deadLetterItems(
  scope: TenantScope,
  integrationId: string,
  items: readonly InboxItem[],
  reason: string,
): Promise<void> {
  const rows = items.map(({ row, ticketId }) => ({
    ...row,
    attempt_count: row.attempt_count + 1,
    ticket_ids: [ticketId],
    why: reason,
  }))
  await reinsert(scope, integrationId, rows, sql`timestamptz 'infinity'`)
}

/**
 * Enqueues a read of these tickets' associations, which nothing else would cause before the next
 * full pass.
 */
export async function enqueueAssociationReads(
  scope: TenantScope,
  integrationId: string,
  ticketIds: readonly string[],
  at: Date,
) {
  if (ticketIds.length === 0) return
  await scope.query(sql`
    insert into inbox_entries (tenant_id, integration_id, due_at, ticket_ids, change, occurred_at)
    values (${scope.tenantId}, ${integrationId}, clock_timestamp(), ${[...ticketIds]}::text[], 'associationChange', ${at.toISOString()})`)
}
