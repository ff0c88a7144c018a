/** SQL on how far the webhooks journal was read. Whoever reads it holds a lease; what it keeps is fenced by the place it read from. */
import { sql } from 'kysely'
import { fromNow } from '../db/database.ts'
import { type Claimant, leaseIsFree } from '../db/lease.ts'
import type { SystemScope } from '../db/scope.ts'
import type { TicketChange } from '../hubspot/events/webhook-event.ts'
import { type Kept, keepChanges } from '../inbox/store.ts'

export interface Place {
  /** HubSpot's offset of the file that was kept last; null: none, or none that HubSpot still has. */
  position: string | null
  /** In a row. */
  failures: number
  /** Since HubSpot last told of a file, or that there is none; null: never. */
  readMsAgo: number | null
  /** Since HubSpot last did not know the place. */
  restartedMsAgo: number | null
  /** The next file, when it could not be read, and since when. */
  badOffset: string | null
  badMsAgo: number | null
}

const msAgo = (column: string) =>
  sql`(extract(epoch from clock_timestamp() - ${sql.ref(column)}) * 1000)::float8`

/** @returns undefined while another process reads, or while it is not to be tried */
export async function claimJournal(
  { query }: SystemScope,
  clientId: string,
  by: Claimant,
): Promise<Place | undefined> {
  const [place] = await query(sql<Place>`/* prepared */
    insert into journals as j (client_id, lease_until, lease_by)
    values (${clientId}, ${fromNow(by.leaseMs)}, ${by.instance})
    on conflict (client_id) do update set lease_until = excluded.lease_until, lease_by = excluded.lease_by
      where (${leaseIsFree(by, 'j')} or j.lease_by = ${by.instance})
        and (j.not_before is null or j.not_before <= clock_timestamp())
    returning position, failures, bad_offset as "badOffset", ${msAgo('read_at')} as "readMsAgo",
      ${msAgo('restarted_at')} as "restartedMsAgo", ${msAgo('bad_since')} as "badMsAgo"`)
  return place
}

const well = (restarted: boolean) => sql`
  read_at = clock_timestamp(), failures = 0, error_code = null, not_before = null, bad_offset = null, bad_since = null,
  restarted_at = case when ${restarted} then clock_timestamp() else restarted_at end`

/** Only from the place that it was read after, so that no file is kept twice and none is left out. */
const stoodAt = (clientId: string, from: string | null) =>
  sql`client_id = ${clientId} and position is not distinct from ${from}::text`

/**
 * Keeps what a file tells of, and that it was read, in one statement.
 *
 * @param at restarted: HubSpot did not know the place, and gave the earliest that it has
 * @returns replayed when another process has kept it by now
 */
export async function keepFile(
  scope: SystemScope,
  clientId: string,
  at: { from: string | null; to: string; restarted: boolean },
  changes: readonly TicketChange[],
  windowMs: number,
): Promise<Kept> {
  const once = sql`fresh as (
    update journals set position = ${at.to}, ${well(at.restarted)} where ${stoodAt(clientId, at.from)} returning 0 as nth)`
  const [kept] = await keepChanges(scope, once, [changes], windowMs)
  return kept as Kept
}

/** There is nothing newer. @param restarted HubSpot does not know the place any more, and has no file at all */
export async function keepEnd(
  { query }: SystemScope,
  clientId: string,
  from: string | null,
  restarted: boolean,
): Promise<void> {
  await query(sql`/* prepared */
    update journals set position = case when ${restarted} then null else position end, ${well(restarted)}
    where ${stoodAt(clientId, from)}`)
}

/** @param failed absent: it is left as it stands, for another process. badOffset: the file itself, or the way to it, is at fault */
export async function releaseJournal(
  { query }: SystemScope,
  clientId: string,
  by: Claimant,
  failed?: { code: string; failures: number; waitMs: number; badOffset: string | undefined },
): Promise<void> {
  const why = failed
    ? sql`, failures = ${failed.failures}, error_code = ${failed.code}, not_before = ${fromNow(failed.waitMs)}${
        failed.badOffset === undefined
          ? sql``
          : sql`, bad_since = case when bad_offset = ${failed.badOffset} then bad_since else clock_timestamp() end,
              bad_offset = ${failed.badOffset}`
      }`
    : sql``
  await query(sql`
    update journals set lease_until = null, lease_by = null${why}
    where client_id = ${clientId} and lease_by = ${by.instance}`)
}

/** Tries to read that failed in a row, whoever reads. */
export async function journalFailures({ query }: SystemScope): Promise<number> {
  const [row] = await query(sql<{ failures: number }>`
    select coalesce(max(failures), 0)::int as failures from journals`)
  return row?.failures ?? 0
}
