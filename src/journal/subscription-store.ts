/** SQL on what HubSpot was asked to write into its journal: one row for each account that has our app, and one for the app itself. */
import { sql } from 'kysely'
import { fromNow } from '../db/database.ts'
import type { SystemScope } from '../db/scope.ts'

/** What happens to our app itself, in whatever account. */
export const appItself = 0

export interface Subscription {
  portalId: number
  /** In a row. */
  failures: number
  /** Until then it is in the hand of who took it; as text, since a Date of ours would lose its microseconds. */
  taken: string
}

/** Whoever took it and died costs so much. */
const takenFor = sql`interval '1 minute'`

/** Takes some that are to be asked for: those of accounts that were just connected first. */
export async function takeSubscriptions(
  { query }: SystemScope,
  clientId: string,
  atMost: number,
): Promise<Subscription[]> {
  return await query(sql<Subscription>`/* prepared */
    with wanted as (
      select portal_id, max(installed_at) as installed_at from portal_routes
      where installed_at is not null group by portal_id
      union all select ${appItself}, '-infinity'
    ),
    known as (
      select w.*, s.due_at, s.portal_id is null or s.ending or s.installed_at < w.installed_at as is_new
      from wanted w left join journal_subscriptions s on s.client_id = ${clientId} and s.portal_id = w.portal_id
    ),
    due as (
      select * from known where is_new or due_at <= clock_timestamp()
      order by is_new desc, due_at, portal_id
      limit ${atMost}
    )
    insert into journal_subscriptions as s (client_id, portal_id, installed_at, due_at)
    select ${clientId}, portal_id, installed_at, clock_timestamp() + ${takenFor} from due
    on conflict (client_id, portal_id) do update
      set installed_at = excluded.installed_at, due_at = excluded.due_at, ending = false,
        failures = case when s.installed_at < excluded.installed_at then 0 else s.failures end
      where s.ending or s.installed_at < excluded.installed_at or s.due_at <= clock_timestamp()
    returning portal_id as "portalId", failures, due_at::text as taken`)
}

/** Takes some of accounts that have our app no more, as far as we are concerned. */
export async function takeEnding(
  { query }: SystemScope,
  clientId: string,
  atMost: number,
): Promise<Subscription[]> {
  return await query(sql<Subscription>`/* prepared */
    update journal_subscriptions s set ending = true, due_at = clock_timestamp() + ${takenFor},
      failures = case when ending then failures else 0 end
    where client_id = ${clientId} and portal_id = any(array(
      select e.portal_id from journal_subscriptions e
      where e.client_id = ${clientId} and e.portal_id <> ${appItself} and (not e.ending or e.due_at <= clock_timestamp())
        and not exists (select from portal_routes r where r.portal_id = e.portal_id and r.installed_at is not null)
      limit ${atMost}))
    returning portal_id as "portalId", failures, due_at::text as taken`)
}

/** How asking, or ending, went, and when it is asked for again; unless somebody wants it asked for anew since it was taken. */
export async function keepAsked(
  { query }: SystemScope,
  clientId: string,
  { portalId, taken }: Subscription,
  { failures, code, waitMs }: { failures: number; code: string | null; waitMs: number },
): Promise<void> {
  await query(sql`
    update journal_subscriptions set failures = ${failures}, error_code = ${code}, due_at = ${fromNow(waitMs)}
    where client_id = ${clientId} and portal_id = ${portalId} and due_at = ${taken}::timestamptz`)
}

/** It has ended at HubSpot. Where the account was connected again meanwhile, it is asked for once more. */
export async function keepEnded({ query }: SystemScope, clientId: string, portalId: number): Promise<void> {
  await query(sql`
    with ended as (
      delete from journal_subscriptions where client_id = ${clientId} and portal_id = ${portalId} and ending returning 1
    )
    update journal_subscriptions set due_at = clock_timestamp()
    where client_id = ${clientId} and portal_id = ${portalId} and not exists (select from ended)`)
}

/** It may have ended at HubSpot: it is asked for again. */
export async function askAgain(
  { query }: SystemScope,
  clientId: string,
  portalIds: readonly number[],
): Promise<void> {
  await query(sql`
    update journal_subscriptions set due_at = clock_timestamp()
    where client_id = ${clientId} and portal_id = any(${[...portalIds]}::bigint[])`)
}

/** What nobody has asked for again for a day, because the journal is not read or by another app. @returns how many went */
export async function forgetSubscriptions({ query }: SystemScope, atMost: number): Promise<number> {
  const rows = await query(sql`
    delete from journal_subscriptions where (client_id, portal_id) in (
      select client_id, portal_id from journal_subscriptions
      where due_at < clock_timestamp() - interval '1 day' limit ${atMost})
    returning 1 as one`)
  return rows.length
}

export interface Route {
  tenantId: string
  integrationId: string
}

/** Integrations on an account by our own app, over all tenants. */
export async function installsOn({ query }: SystemScope, portalIds: readonly number[]): Promise<Route[]> {
  return await query(sql<Route>`
    select tenant_id as "tenantId", integration_id as "integrationId" from portal_routes
    where portal_id = any(${[...portalIds]}::bigint[]) and installed_at is not null`)
}
