/** All SQL on sessions. Times are the database's, because the clocks of processes may differ. */
import { sql } from 'kysely'
import type { SystemScope } from '../db/scope.ts'
import type { SessionRights } from './session.ts'

/** A session without requests ends after this time. */
const idleTimeout = sql`interval '30 minutes'`
/** A session ends after this time however much it is used. */
const maxLifetime = sql`interval '12 hours'`
/** A use is recorded only when the last recorded one is older, so that not every request writes. */
const useRecordedEvery = sql`interval '1 minute'`

const alive = sql`(s.expires_at > clock_timestamp() and s.last_used_at > clock_timestamp() - ${idleTimeout}
  and (s.tenant_id is null or exists (
    select from tenants t where t.tenant_id = s.tenant_id and t.erasing_at is null)))`

export interface NewSession extends SessionRights {
  token_hash: string
  binding: string
}

/**
 * When a session that is made now ends, to the millisecond.
 *
 * @param until when the credential itself expires, epoch ms
 */
export async function newSessionExpiry({ query }: SystemScope, until: number | undefined): Promise<Date> {
  const seconds = until === undefined ? null : until / 1_000
  const [row] = await query(sql<{ at: Date }>`
    select date_trunc('milliseconds',
      least(clock_timestamp() + ${maxLifetime}, to_timestamp(${seconds}::float8))) as at`)
  return (row as { at: Date }).at
}

/** @returns false when the credential or its tenant has ended, so that nothing was inserted */
export async function insertSession({ query }: SystemScope, made: NewSession): Promise<boolean> {
  const { tenant_id } = made
  const rows = await query(sql`
    insert into sessions (token_hash, tenant_id, scopes, created_by, binding, expires_at)
    select ${made.token_hash}, ${tenant_id}::uuid, ${[...made.scopes]}::text[], ${made.created_by}, ${made.binding}, e.at
    from (select ${made.expires_at}::timestamptz as at) e
    where e.at > clock_timestamp() and (${tenant_id}::uuid is null or exists (
      select from tenants t where t.tenant_id = ${tenant_id}::uuid and t.erasing_at is null))
    returning 1 as one`)
  return rows.length > 0
}

export interface SessionRow extends SessionRights {
  token_hash: string
  binding: string
  /** Its last recorded use is more than a minute old. */
  unnoted: boolean
}

/** Those of the sessions that have not ended and whose tenant still exists. */
export async function findSessions(
  { query }: SystemScope,
  tokenHashes: readonly string[],
): Promise<SessionRow[]> {
  if (tokenHashes.length === 0) return []
  return await query(sql<SessionRow>`
    select s.token_hash, s.tenant_id, s.scopes, s.created_by, s.binding, s.expires_at,
      s.last_used_at < clock_timestamp() - ${useRecordedEvery} as unnoted
    from sessions s where s.token_hash = any(${[...tokenHashes]}::text[]) and ${alive}`)
}

/** Records a use, which restarts the idle time. */
export async function recordSessionUse({ query }: SystemScope, tokenHash: string): Promise<void> {
  await query(sql`
    update sessions set last_used_at = clock_timestamp()
    where token_hash = ${tokenHash} and last_used_at < clock_timestamp() - ${useRecordedEvery}`)
}

/** @returns whether there was a session to end */
export async function deleteSession({ query }: SystemScope, tokenHash: string): Promise<boolean> {
  const rows = await query(sql`delete from sessions where token_hash = ${tokenHash} returning 1 as one`)
  return rows.length > 0
}

/** Deletes some sessions that have expired. @returns how many */
export async function deleteEndedSessions({ query }: SystemScope, atMost = 200): Promise<number> {
  const rows = await query(sql`
    delete from sessions where token_hash in (
      select token_hash from sessions
      where expires_at <= clock_timestamp() or last_used_at <= clock_timestamp() - ${idleTimeout}
      limit ${atMost} for update skip locked)
    returning 1 as one`)
  return rows.length
}
