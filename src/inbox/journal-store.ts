/** SQL on how far the webhooks journal was read. Whoever reads it holds a lease; what it keeps is fenced by the place it read from. */
import { sql } from 'kysely'
import type { TicketChange } from '../hubspot/webhook-event.ts'
import { fromNow } from '../lib/db.ts'
import { type Claimant, leaseIsFree } from '../sync/lease-store.ts'
import type { SystemScope } from '../tenants/scope.ts'
import { type Kept, keepChanges } from './store.ts'

export interface Place {
  /** HubSpot's offset of the file that was kept last; null: none, or none that HubSpot still has. */
  position: string | null
  /** In a row. */
  failures: number
  /** Since HubSpot last told of a file, or that there is none; null: never. */
  readMsAgo: number | null
}

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
    returning position, failures, (extract(epoch from clock_timestamp() - read_at) * 1000)::float8 as "readMsAgo"`)
  return place
}

const well = sql`read_at = clock_timestamp(), failures = 0, error_code = null, not_before = null`

/** Only from the place that it was read after, so that no file is kept twice and none is left out. */
const stoodAt = (clientId: string, from: string | null) =>
  sql`client_id = ${clientId} and position is not distinct from ${from}::text`

/**
 * Keeps what a file tells of, and that it was read, in one statement.
 *
 * @returns replayed when another process has kept it by now
 */
export const keepFile = (
  scope: SystemScope,
  clientId: string,
  at: { from: string | null; to: string },
  changes: readonly TicketChange[],
  windowMs: number,
): Promise<Kept> =>
  keepChanges(
    scope,
    sql`update journals set position = ${at.to}, ${well} where ${stoodAt(clientId, at.from)} returning 1`,
    changes,
    windowMs,
  )

/** There is nothing newer. @param lost HubSpot does not know the place any more, and has no file at all */
export async function keepEnd(
  { query }: SystemScope,
  clientId: string,
  from: string | null,
  lost: boolean,
): Promise<void> {
  await query(sql`/* prepared */
    update journals set position = case when ${lost} then null else position end, ${well}
    where ${stoodAt(clientId, from)}`)
}

/** @param failed absent: it is left as it stands, for another process */
export async function releaseJournal(
  { query }: SystemScope,
  clientId: string,
  by: Claimant,
  failed?: { code: string; failures: number; waitMs: number },
): Promise<void> {
  const why = failed
    ? sql`, failures = ${failed.failures}, error_code = ${failed.code}, not_before = ${fromNow(failed.waitMs)}`
    : sql``
  await query(sql`
    update journals set lease_until = null, lease_by = null${why}
    where client_id = ${clientId} and lease_by = ${by.instance}`)
}
