/** SQL on the position in the webhooks journal: a leased reader, writes fenced by its position. */
import { sql } from 'kysely'
import { fromNow } from '../db/database.ts'
import { type Claimant, leaseIsFree } from '../db/lease.ts'
import type { SystemScope } from '../db/scope.ts'
import type { TicketChange } from '../hubspot/events/webhook-event.ts'
import { type EnqueueResult, enqueueChanges } from '../inbox/store.ts'

export interface JournalPosition {
  /** HubSpot's offset of the last saved file; null: none, or HubSpot no longer has it. */
  position: string | null
  /** Consecutive failures. */
  failures: number
  /** Time since HubSpot last reported a file, or that there is none; null: never. */
  read_ms_ago: number | null
  /** Time since HubSpot last did not know the position. */
  restarted_ms_ago: number | null
  /** The next file, if it could not be read, and the time since it first failed. */
  unreadable_offset: string | null
  unreadable_ms_ago: number | null
}

const msAgo = (column: string) =>
  sql`(extract(epoch from clock_timestamp() - ${sql.ref(column)}) * 1000)::float8`

/** @returns undefined while another process reads, or until the next attempt is due */
export async function claimJournal(
  { query }: SystemScope,
  clientId: string,
  by: Claimant,
): Promise<JournalPosition | undefined> {
  const [position] = await query(
    sql<JournalPosition>`
    insert into journals as j (client_id, lease_until, lease_owner)
    values (${clientId}, ${fromNow(by.leaseMs)}, ${by.instance})
    on conflict (client_id) do update set lease_until = excluded.lease_until, lease_owner = excluded.lease_owner
      where (${leaseIsFree(by, 'j')} or j.lease_owner = ${by.instance})
        and (j.not_before is null or j.not_before <= clock_timestamp())
    returning position, failures, unreadable_offset, ${msAgo('read_at')} as read_ms_ago,
      ${msAgo('restarted_at')} as restarted_ms_ago, ${msAgo('unreadable_since')} as unreadable_ms_ago`,
    { prepare: true },
  )
  return position
}

const successColumns = (restarted: boolean) => sql`
  read_at = clock_timestamp(), failures = 0, error_code = null, not_before = null, unreadable_offset = null, unreadable_since = null,
  restarted_at = case when ${restarted} then clock_timestamp() else restarted_at end`

/**
 * Matches only the position that the file was read after, so that no file is saved twice or
 * skipped.
 */
const whereStillAt = (clientId: string, from: string | null) =>
  sql`client_id = ${clientId} and position is not distinct from ${from}::text`

/**
 * Saves a file's changes and the new position, in one statement.
 *
 * @param at restarted: HubSpot did not know the position, and returned the earliest file it has
 * @returns replayed if another process has saved the file by now
 */
export async function saveJournalFile(
  scope: SystemScope,
  clientId: string,
  at: { from: string | null; to: string; restarted: boolean },
  changes: readonly TicketChange[],
  windowMs: number,
): Promise<EnqueueResult> {
  const deduplication = sql`fresh as (
    update journals set position = ${at.to}, ${successColumns(at.restarted)} where ${whereStillAt(clientId, at.from)} returning 0 as nth)`
  const [stored] = await enqueueChanges(scope, deduplication, [changes], windowMs)
  return stored as EnqueueResult
}

/**
 * Records that there is no newer file.
 *
 * @param restarted HubSpot no longer knows the position, and has no file at all
 */
export async function saveJournalEnd(
  { query }: SystemScope,
  clientId: string,
  from: string | null,
  restarted: boolean,
): Promise<void> {
  await query(
    sql`
    update journals set position = case when ${restarted} then null else position end, ${successColumns(restarted)}
    where ${whereStillAt(clientId, from)}`,
    { prepare: true },
  )
}

/**
 * @param failed absent: the state stays unchanged for another process. unreadableOffset: the file,
 *   or access to it, is at fault
 */
export async function releaseJournal(
  { query }: SystemScope,
  clientId: string,
  by: Claimant,
  failed?: { code: string; failures: number; waitMs: number; unreadableOffset: string | undefined },
): Promise<void> {
  const why = failed
    ? sql`, failures = ${failed.failures}, error_code = ${failed.code}, not_before = ${fromNow(failed.waitMs)}${
        failed.unreadableOffset === undefined
          ? sql``
          : sql`, unreadable_since = case when unreadable_offset = ${failed.unreadableOffset} then unreadable_since else clock_timestamp() end,
              unreadable_offset = ${failed.unreadableOffset}`
      }`
    : sql``
  await query(sql`
    update journals set lease_until = null, lease_owner = null${why}
    where client_id = ${clientId} and lease_owner = ${by.instance}`)
}

/** Consecutive failed attempts to read the journal, by any process. */
export async function countJournalFailures({ query }: SystemScope): Promise<number> {
  const [row] = await query(sql<{ failures: number }>`
    select coalesce(max(failures), 0)::int as failures from journals`)
  return row?.failures ?? 0
}
