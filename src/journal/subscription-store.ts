/** SQL on journal subscriptions: a row per account that has our app, and one for the app itself. */
import { sql } from 'kysely'
import { fromNow } from '../db/database.ts'
import type { SystemScope } from '../db/scope.ts'

/** Stands in for a hub id: events about our app itself, in any account. */
export const appSubscription = 0

export interface Subscription {
  hub_id: number
  /** Consecutive failures. */
  failures: number
  /**
   * When the claim on this subscription ends. As text, because a JavaScript Date would lose the
   * microseconds.
   */
  taken: string
}

/** The delay if a process dies after it has claimed a subscription. */
const claimLease = sql`interval '1 minute'`

/** Claims subscriptions that are due to be requested; newly connected accounts come first. */
export async function claimDueSubscriptions(
  { query }: SystemScope,
  clientId: string,
  atMost: number,
): Promise<Subscription[]> {
  return await query(
    sql<Subscription>`
    with wanted as (
      select hub_id, max(installed_at) as installed_at from account_routes
      where installed_at is not null group by hub_id
      union all select ${appSubscription}, '-infinity'
    ),
    known as (
      select w.*, s.due_at, s.hub_id is null or s.ending or s.installed_at < w.installed_at as is_new
      from wanted w left join journal_subscriptions s on s.client_id = ${clientId} and s.hub_id = w.hub_id
    ),
    due as (
      select * from known where is_new or due_at <= clock_timestamp()
      order by is_new desc, due_at, hub_id
      limit ${atMost}
    )
    insert into journal_subscriptions as s (client_id, hub_id, installed_at, due_at)
    select ${clientId}, hub_id, installed_at, clock_timestamp() + ${claimLease} from due
    on conflict (client_id, hub_id) do update
      set installed_at = excluded.installed_at, due_at = excluded.due_at, ending = false,
        failures = case when s.installed_at < excluded.installed_at then 0 else s.failures end
      where s.ending or s.installed_at < excluded.installed_at or s.due_at <= clock_timestamp()
    returning hub_id, failures, due_at::text as taken`,
    { prepare: true },
  )
}

/** Claims subscriptions of accounts that, by our own records, no longer have our app. */
export async function claimEndingSubscriptions(
  { query }: SystemScope,
  clientId: string,
  atMost: number,
): Promise<Subscription[]> {
  return await query(
    sql<Subscription>`
    update journal_subscriptions s set ending = true, due_at = clock_timestamp() + ${claimLease},
      failures = case when ending then failures else 0 end
    where client_id = ${clientId} and hub_id = any(array(
      select e.hub_id from journal_subscriptions e
      where e.client_id = ${clientId} and e.hub_id <> ${appSubscription} and (not e.ending or e.due_at <= clock_timestamp())
        and not exists (select from account_routes r where r.hub_id = e.hub_id and r.installed_at is not null)
      limit ${atMost}))
    returning hub_id, failures, due_at::text as taken`,
    { prepare: true },
  )
}

/**
 * Saves the result of a request to subscribe or unsubscribe and when to repeat it, unless a new
 * request was made since the claim.
 */
export async function saveSubscriptionRequest(
  { query }: SystemScope,
  clientId: string,
  { hub_id, taken }: Subscription,
  { failures, code, waitMs }: { failures: number; code: string | null; waitMs: number },
): Promise<void> {
  await query(sql`
    update journal_subscriptions set failures = ${failures}, error_code = ${code}, due_at = ${fromNow(waitMs)}
    where client_id = ${clientId} and hub_id = ${hub_id} and due_at = ${taken}::timestamptz`)
}

/**
 * Deletes a subscription that has ended at HubSpot. If the account was connected again meanwhile,
 * makes the subscription due instead.
 */
export async function deleteEndedSubscription(
  { query }: SystemScope,
  clientId: string,
  hubId: number,
): Promise<void> {
  await query(sql`
    with ended as (
      delete from journal_subscriptions where client_id = ${clientId} and hub_id = ${hubId} and ending returning 1
    )
    update journal_subscriptions set due_at = clock_timestamp()
    where client_id = ${clientId} and hub_id = ${hubId} and not exists (select from ended)`)
}

/** Makes subscriptions due that may have ended at HubSpot. */
export async function makeSubscriptionsDue(
  { query }: SystemScope,
  clientId: string,
  hubIds: readonly number[],
): Promise<void> {
  await query(sql`
    update journal_subscriptions set due_at = clock_timestamp()
    where client_id = ${clientId} and hub_id = any(${[...hubIds]}::bigint[])`)
}

/**
 * Deletes subscriptions that are overdue by a day, because the journal is no longer read, or is
 * read by another app.
 *
 * @returns the number of rows deleted
 */
export async function deleteStaleSubscriptions({ query }: SystemScope, atMost: number): Promise<number> {
  const rows = await query(sql`
    delete from journal_subscriptions where (client_id, hub_id) in (
      select client_id, hub_id from journal_subscriptions
      where due_at < clock_timestamp() - interval '1 day' limit ${atMost})
    returning 1 as one`)
  return rows.length
}

export interface IntegrationRoute {
  tenant_id: string
  integration_id: string
}

/** Integrations of all tenants that use these accounts through our own app. */
export async function findSubscribableIntegrations(
  { query }: SystemScope,
  hubIds: readonly number[],
): Promise<IntegrationRoute[]> {
  return await query(sql<IntegrationRoute>`
    select tenant_id, integration_id from account_routes
    where hub_id = any(${[...hubIds]}::bigint[]) and installed_at is not null`)
}
