/**
 * All SQL on the inbox and on who drains it. A change is kept through the system door, once for each integration on its
 * account, and drained within the tenant.
 */
import { sql } from 'kysely'
import type { ChangeType, TicketChange } from '../hubspot/webhook-event.ts'
import { type Claimant, leaseIsFree, until } from '../sync/lease-store.ts'
import type { SystemScope, TenantScope } from '../tenants/scope.ts'

export interface Kept {
  /** The same delivery came before, letter for letter: nothing was kept. */
  replayed: boolean
  /** Changes of accounts that nobody is connected to. */
  unknown: number
}

/**
 * Keeps what a delivery says, in one statement.
 *
 * @param signatureHash of the delivery: another try of HubSpot's has another one
 * @param windowMs what comes so soon after is drained together with it
 */
export async function keepDelivery(
  { query }: SystemScope,
  signatureHash: Buffer,
  changes: readonly TicketChange[],
  windowMs: number,
): Promise<Kept> {
  const [kept] = await query(sql<{ fresh: boolean; unknown: number }>`/* prepared */
    with receipt as (
      insert into webhook_receipts (signature_hash) values (${signatureHash}) on conflict do nothing returning 1
    ),
    heard as materialized (
      select * from jsonb_to_recordset(${JSON.stringify(distinct(changes))}::jsonb)
        as h(portal_id bigint, ticket_id text, change text, occurred_at timestamptz)
    ),
    kept as (
      insert into inbox (tenant_id, integration_id, due_at, ticket_id, change, occurred_at)
      select r.tenant_id, r.integration_id, ${until(windowMs)}, h.ticket_id, h.change, h.occurred_at
      from heard h join portal_routes r on r.portal_id = h.portal_id
      where exists (select from receipt)
    )
    select exists (select from receipt) as fresh,
      (select count(*)::int from heard h
        where not exists (select from portal_routes r where r.portal_id = h.portal_id)) as unknown`)
  return { replayed: !kept?.fresh, unknown: kept?.unknown ?? 0 }
}

/** One row for each ticket and kind of change, with the latest time. */
function distinct(changes: readonly TicketChange[]) {
  const rows = new Map<string, { portal_id: number; ticket_id: string; change: ChangeType; at: number }>()
  for (const { portalId, type, ticketIds, occurredAt } of changes)
    for (const ticketId of ticketIds) {
      const key = `${portalId} ${ticketId} ${type}`
      const at = Math.max(occurredAt, rows.get(key)?.at ?? 0)
      rows.set(key, { portal_id: portalId, ticket_id: ticketId, change: type, at })
    }
  return [...rows.values()].map(({ at, ...row }) => ({ ...row, occurred_at: new Date(at).toISOString() }))
}

/** The rows of one integration. */
export const ofLane = ({ tenantId }: TenantScope, integrationId: string) =>
  sql`tenant_id = ${tenantId} and integration_id = ${integrationId}`

export interface Lane {
  tenantId: string
  integrationId: string
}

/** Integrations with something due that nobody drains, the longest due first. However much waits, each costs one probe of the key. */
export async function findDueLanes({ query }: SystemScope, by: Claimant, atMost: number): Promise<Lane[]> {
  return await query(sql<Lane>`/* prepared */
    with recursive lanes as (
      (select tenant_id, integration_id, due_at from inbox where due_at < 'infinity'
        order by tenant_id, integration_id, due_at limit 1)
      union all
      select n.* from lanes l cross join lateral (
        select i.tenant_id, i.integration_id, i.due_at from inbox i
        where (i.tenant_id, i.integration_id) > (l.tenant_id, l.integration_id) and i.due_at < 'infinity'
        order by i.tenant_id, i.integration_id, i.due_at
        limit 1) n
    )
    select l.tenant_id as "tenantId", l.integration_id as "integrationId" from lanes l
    left join feeds f on f.tenant_id = l.tenant_id and f.integration_id = l.integration_id
    where l.due_at <= clock_timestamp() and ${leaseIsFree(by, 'f')}
      and (f.not_before is null or f.not_before <= clock_timestamp())
      and not exists (select from tenants t where t.tenant_id = l.tenant_id and t.erasing_at is not null)
    order by l.due_at
    limit ${atMost}`)
}

/** Takes the inbox of an integration for one process. @returns how often it failed in a row; undefined when another has it */
export async function claimLane(
  scope: TenantScope,
  integrationId: string,
  by: Claimant,
): Promise<number | undefined> {
  const [claim] = await scope.query(sql<{ failures: number }>`
    insert into feeds as f (tenant_id, integration_id, lease_until, lease_by)
    values (${scope.tenantId}, ${integrationId}, ${until(by.leaseMs)}, ${by.instance})
    on conflict (tenant_id, integration_id) do update set lease_until = excluded.lease_until, lease_by = excluded.lease_by
      where ${leaseIsFree(by, 'f')} and (f.not_before is null or f.not_before <= clock_timestamp())
    returning failures`)
  return claim?.failures
}

/** A sign of life. @returns false when another process has it by now */
export async function holdLane(scope: TenantScope, integrationId: string, by: Claimant): Promise<boolean> {
  const held = await scope.query(sql`
    update feeds set lease_until = ${until(by.leaseMs)}
    where ${ofLane(scope, integrationId)} and lease_by = ${by.instance}
    returning 1 as one`)
  return held.length > 0
}

/** Gives it back. @param ended well; or why not, and how long nobody need try; absent: it was interrupted, and stands as it stood */
export async function releaseLane(
  scope: TenantScope,
  integrationId: string,
  by: Claimant,
  ended?: 'well' | { code: string; waitMs: number; failures: number },
): Promise<void> {
  const how =
    ended === undefined
      ? sql``
      : ended === 'well'
        ? sql`, failures = 0, error_code = null, not_before = null`
        : sql`, failures = ${ended.failures}, error_code = ${ended.code}, not_before = ${until(ended.waitMs)}`
  await scope.query(sql`
    update feeds set lease_until = null, lease_by = null${how}
    where ${ofLane(scope, integrationId)} and lease_by = ${by.instance}`)
}

export interface InboxRow {
  inboxId: string
  /** As text: a Date of ours would lose its microseconds, and it is half of the key. */
  dueAt: string
  ticketId: string
  change: ChangeType
  tries: number
  rounds: number
  occurredAt: Date
  receivedAt: Date
}

/** What is due, and what came beside it within the window, the oldest first. What was postponed waits for its own time. */
export async function takeDue(
  scope: TenantScope,
  integrationId: string,
  windowMs: number,
  atMost: number,
): Promise<InboxRow[]> {
  return await scope.query(sql<InboxRow>`/* prepared */
    select inbox_id::text as "inboxId", due_at::text as "dueAt", ticket_id as "ticketId", change, tries, rounds,
      occurred_at as "occurredAt", received_at as "receivedAt"
    from inbox
    where ${ofLane(scope, integrationId)} and due_at <= ${until(windowMs)}
      and (tries + rounds = 0 or due_at <= clock_timestamp())
    order by due_at, inbox_id
    limit ${atMost}`)
}

const keysOf = (rows: readonly InboxRow[]) => sql`
  (due_at, inbox_id) in (select * from unnest(
    ${rows.map(({ dueAt }) => dueAt)}::text[]::timestamptz[], ${rows.map(({ inboxId }) => inboxId)}::bigint[]))`

/** Drained: the rows go in the transaction that keeps what was read. */
export async function deleteDrained(
  scope: TenantScope,
  integrationId: string,
  rows: readonly InboxRow[],
): Promise<void> {
  if (rows.length === 0) return
  await scope.query(sql`/* prepared */
    delete from inbox where ${ofLane(scope, integrationId)} and ${keysOf(rows)}`)
  const latest = (times: Date[]) => new Date(Math.max(...times.map(Number))).toISOString()
  const [receivedAt, occurredAt] = [
    latest(rows.map(({ receivedAt }) => receivedAt)),
    latest(rows.map(({ occurredAt }) => occurredAt)),
  ]
  await scope.query(sql`
    update feeds set received_at = greatest(received_at, ${receivedAt}),
      occurred_at = greatest(occurred_at, least(${occurredAt}::timestamptz, ${receivedAt}::timestamptz)),
      silent_since = null
    where ${ofLane(scope, integrationId)}`)
}

/** Read once more later. @param because tries: HubSpot refused to tell of it. rounds: an answer proved nothing */
export async function postpone(
  scope: TenantScope,
  integrationId: string,
  rows: readonly InboxRow[],
  waitMs: number,
  because: 'tries' | 'rounds',
): Promise<void> {
  if (rows.length === 0) return
  await scope.query(sql`
    update inbox set due_at = ${until(waitMs)}, ${sql.ref(because)} = ${sql.ref(because)} + 1
    where ${ofLane(scope, integrationId)} and ${keysOf(rows)}`)
}

/** Not tried again until somebody replays it. */
export async function setAside(
  scope: TenantScope,
  integrationId: string,
  rows: readonly InboxRow[],
  why: string,
): Promise<void> {
  if (rows.length === 0) return
  await scope.query(sql`
    update inbox set due_at = 'infinity', tries = tries + 1, set_aside_for = ${why}
    where ${ofLane(scope, integrationId)} and ${keysOf(rows)}`)
}

/** Whose associations are to be read, since nothing else would say so before the next full pass. */
export async function owe(scope: TenantScope, integrationId: string, ticketIds: readonly string[], at: Date) {
  if (ticketIds.length === 0) return
  await scope.query(sql`
    insert into inbox (tenant_id, integration_id, due_at, ticket_id, change, occurred_at)
    select ${scope.tenantId}, ${integrationId}, clock_timestamp(), id, 'associationChange', ${at.toISOString()}
    from unnest(${[...ticketIds]}::text[]) id`)
}

/** Of an integration that nobody is connected by any more. */
export async function forgetLane(scope: TenantScope, integrationId: string): Promise<void> {
  await scope.query(sql`delete from inbox where ${ofLane(scope, integrationId)}`)
  await scope.query(sql`delete from feeds where ${ofLane(scope, integrationId)}`)
}
