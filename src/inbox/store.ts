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

export interface StoredChanges {
  /** It was stored before; nothing was stored again. */
  replayed: boolean
  /** Ticket changes of accounts that no integration is connected to. */
  unknown: number
}

/**
 * Stores several lots of HubSpot's changes in one statement, together with the check that each lot
 * is stored only once.
 *
 * @param once named queries; the last one, `fresh`, returns the number (`nth`, from 0) of each lot
 *   that is new
 * @param windowMs changes that arrive within this time are drained together
 * @returns one entry per lot
 */
export async function keepChanges(
  { query }: SystemScope,
  once: RawBuilder<unknown>,
  lots: readonly (readonly TicketChange[])[],
  windowMs: number,
): Promise<StoredChanges[]> {
  return await query(sql<StoredChanges>`/* prepared */
    with ${once},
    heard as materialized (
      select * from jsonb_to_recordset(${JSON.stringify(lots.flatMap(rowsOf))}::jsonb)
        as h(nth int, portal_id bigint, change text, ticket_ids text[], occurred_at timestamptz)
    ),
    kept as (
      insert into inbox (tenant_id, integration_id, due_at, ticket_ids, change, occurred_at)
      select r.tenant_id, r.integration_id, ${fromNow(windowMs)}, h.ticket_ids, h.change, h.occurred_at
      from fresh join heard h using (nth) join portal_routes r using (portal_id)
    )
    select not exists (select from fresh f where f.nth = lot.nth) as replayed,
      (select coalesce(sum(cardinality(h.ticket_ids)), 0)::int from heard h
        where h.nth = lot.nth and not exists (select from portal_routes r where r.portal_id = h.portal_id)) as unknown
    from jsonb_to_recordset(${JSON.stringify(lots.map((_, nth) => ({ nth })))}::jsonb) as lot(nth int)
    order by nth`)
}

export interface SignedDelivery {
  /** Hash of the signature. A retry by HubSpot has a different signature. */
  hash: Buffer
  changes: readonly TicketChange[]
}

/** @returns one entry per delivery; of two with the same signature the first is stored */
export const keepDeliveries = (
  scope: SystemScope,
  deliveries: readonly SignedDelivery[],
  windowMs: number,
): Promise<StoredChanges[]> =>
  keepChanges(
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
const mostOfRow = 100

/** Builds rows for each account and type of change, with the latest time and no ticket twice. */
function rowsOf(changes: readonly TicketChange[], nth: number) {
  const kinds = Map.groupBy(changes, ({ portalId, type }) => `${portalId} ${type}`)
  return [...kinds.values()].flatMap((alike) => {
    const [{ portalId, type }] = alike as [TicketChange]
    const ids = [...new Set(alike.flatMap(({ ticketIds }) => ticketIds))]
    const occurred_at = new Date(Math.max(...alike.map(({ occurredAt }) => occurredAt))).toISOString()
    return chunks(ids, mostOfRow).map((ticket_ids) => ({
      nth,
      portal_id: portalId,
      change: type,
      ticket_ids,
      occurred_at,
    }))
  })
}

/** Condition that selects the rows of one integration. */
export const ofInbox = ({ tenantId }: TenantScope, integrationId: string) =>
  sql`tenant_id = ${tenantId} and integration_id = ${integrationId}`

export interface InboxRow {
  inboxId: string
  /** As text: this is part of the key, and a JavaScript Date would lose the microseconds. */
  dueAt: string
  /** Not yet drained. */
  ticketIds: string[]
  change: TicketChangeType
  tries: number
  rounds: number
  occurredAt: Date
  receivedAt: Date
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
export async function takeDue(
  scope: TenantScope,
  integrationId: string,
  windowMs: number,
  atMost: number,
): Promise<InboxRow[]> {
  return await scope.query(sql<InboxRow>`/* prepared */
    with due as (
      select * from inbox
      where ${ofInbox(scope, integrationId)} and due_at <= ${fromNow(windowMs)}
        and (tries + rounds = 0 or due_at <= clock_timestamp())
      order by due_at, inbox_id
      limit ${atMost}
    ),
    counted as (
      select *, sum(cardinality(ticket_ids)) over (order by due_at, inbox_id) - cardinality(ticket_ids) as before from due
    )
    select inbox_id::text as "inboxId", due_at::text as "dueAt", ticket_ids as "ticketIds", change, tries, rounds,
      occurred_at as "occurredAt", received_at as "receivedAt"
    from counted where before < ${atMost}
    order by due_at, inbox_id`)
}

const idsOf = (items: readonly InboxItem[]) => items.map(({ ticketId }) => ticketId)

/** The tickets left in each row once these items are done. */
export const leftOf = (items: readonly InboxItem[]): Map<InboxRow, string[]> =>
  new Map(
    [...Map.groupBy(items, ({ row }) => row)].map(([row, some]) => {
      const done = new Set(idsOf(some))
      return [row, row.ticketIds.filter((id) => !done.has(id))]
    }),
  )

/**
 * Removes items from the inbox, in the transaction that saves the result. The given row objects are
 * not changed.
 */
export async function remove(
  scope: TenantScope,
  integrationId: string,
  items: readonly InboxItem[],
): Promise<void> {
  const rows = [...leftOf(items)]
  const done = rows.filter(([, left]) => left.length === 0)
  const more = rows.filter(([, left]) => left.length > 0)
  const keys = (some: readonly (readonly [InboxRow, string[]])[]) =>
    sql`${some.map(([{ dueAt }]) => dueAt)}::text[]::timestamptz[], ${some.map(([{ inboxId }]) => inboxId)}::bigint[]`
  if (done.length > 0)
    await scope.query(sql`/* prepared */
      delete from inbox where ${ofInbox(scope, integrationId)}
        and (due_at, inbox_id) in (select * from unnest(${keys(done)}))`)
  if (more.length > 0)
    await scope.query(sql`
      update inbox i set ticket_ids = array(select jsonb_array_elements_text(l.left_over))
      from unnest(${keys(more)}, ${more.map(([, left]) => JSON.stringify(left))}::jsonb[]) as l(due_at, inbox_id, left_over)
      where ${ofInbox(scope, integrationId)} and (i.due_at, i.inbox_id) = (l.due_at, l.inbox_id)`)
}

/** Inserts rows again with their data; the same transaction has removed them. */
async function put(
  scope: TenantScope,
  integrationId: string,
  rows: readonly (InboxRow & { why?: string })[],
  dueAt: RawBuilder<unknown>,
): Promise<void> {
  if (rows.length === 0) return
  await scope.query(sql`
    insert into inbox (tenant_id, integration_id, due_at, ticket_ids, change, occurred_at, received_at, tries, rounds, set_aside_for)
    select ${scope.tenantId}, ${integrationId}, ${dueAt}, r."ticketIds", r.change, r."occurredAt", r."receivedAt", r.tries, r.rounds, r.why
    from jsonb_to_recordset(${JSON.stringify(rows)}::jsonb) as r("ticketIds" text[], change text, "occurredAt" timestamptz,
      "receivedAt" timestamptz, tries smallint, rounds smallint, why text)`)
}

/** Fits the column; a higher count would say no more. */
const mostCounted = 1_000

/**
 * Schedules another read.
 *
 * @param because tries: HubSpot refused to return the ticket. rounds: a response proved nothing.
 *   left_out: there was no response for it, which is not a round; only the fact that it waits for
 *   its own time is recorded
 */
export async function postpone(
  scope: TenantScope,
  integrationId: string,
  items: readonly InboxItem[],
  waitMs: number,
  because: 'tries' | 'rounds' | 'left_out',
): Promise<void> {
  const rows = [...Map.groupBy(items, ({ row }) => row)].map(([row, some]) => ({
    ...row,
    ...(because === 'left_out'
      ? { rounds: Math.max(row.rounds, 1) }
      : { [because]: Math.min(row[because] + 1, mostCounted) }),
    ticketIds: idsOf(some),
  }))
  await put(scope, integrationId, rows, fromNow(waitMs))
}

/** Quarantines each ticket in a row of its own, until an operator replays it. */
export async function setAside(
  scope: TenantScope,
  integrationId: string,
  items: readonly InboxItem[],
  why: string,
): Promise<void> {
  const rows = items.map(({ row, ticketId }) => ({
    ...row,
    tries: row.tries + 1,
    ticketIds: [ticketId],
    why,
  }))
  await put(scope, integrationId, rows, sql`timestamptz 'infinity'`)
}

/**
 * Enqueues a read of these tickets' associations, which nothing else would cause before the next
 * full pass.
 */
export async function enqueueAssociations(
  scope: TenantScope,
  integrationId: string,
  ticketIds: readonly string[],
  at: Date,
) {
  if (ticketIds.length === 0) return
  await scope.query(sql`
    insert into inbox (tenant_id, integration_id, due_at, ticket_ids, change, occurred_at)
    values (${scope.tenantId}, ${integrationId}, clock_timestamp(), ${[...ticketIds]}::text[], 'associationChange', ${at.toISOString()})`)
}
