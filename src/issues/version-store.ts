/**
 * SQL that reads issues as of changes of the feed: the issue as it is now, with the later changes
 * taken back.
 */
import { sql } from 'kysely'
import type { AskedVersion, IssueVersion } from '../changes/included-issues.ts'
import type { TenantScope } from '../db/scope.ts'
import { toTime } from '../hubspot/time.ts'
import { presentIssue } from './present-issue.ts'
import { issue as issueSchema } from './schema.ts'
import { otherFieldsBytes, type StoredIssue, withAccountData } from './store.ts'

/** How far a change may be from the end of its feed: so many changes are looked at. */
export const maxLaterChanges = 50_000
/** How much may have changed since in the same issue: so many bytes are read. */
export const maxLaterBytes = 4 * 2 ** 20

interface VersionRow extends StoredIssue {
  version: number
  version_bytes: number
  is_read: boolean
  changed_at: Date
  /** Changes of the issue since. */
  later: number
  /** null: there was no merge since. Otherwise where it was merged to before; empty: nowhere. */
  was_merged_into: string | null
}

/**
 * Reads issues as of changes, in one statement.
 *
 * Every edit is in the `changed` of one change, and a feed has no gaps: what an issue was after a
 * change follows from what it is now and from all its changes since. What no change reports is as it
 * is now. The change itself must still be there, with its issue: retention deletes the oldest first,
 * so all later ones are then there too.
 *
 * All sizes are known before a value is read. No two sets are joined: the planner knows nothing of
 * their sizes, and would compare each row with each.
 */
export async function readIssueVersions(
  scope: TenantScope,
  asked: readonly AskedVersion[],
  { bytes, ofOne = Number.MAX_SAFE_INTEGER }: { bytes: number; ofOne?: number },
): Promise<IssueVersion[]> {
  const { tenantId } = scope
  const upTos = Object.fromEntries(asked.map(({ seq, upTo }) => [seq, upTo]))
  const own = sql`tenant_id = ${tenantId}`
  const property = (name: string) => sql`nullif(r.properties ->> ${name}::text, '')`
  const page = sql`
    select v.seq as version, v.size as version_bytes, v.is_read, v.at as changed_at, v.later, o.was_merged_into,
      i.issue_id, i.integration_id, i.ticket_id, i.url, i.bytes, i.ticket_created_at, i.modified_at, i.synced_at,
      r.properties, r.archived,
      case when r.archived and o.restored is null then i.archived_at end as archived_at,
      case when r.archived and o.restored is null then i.deleted_at end as deleted_at,
      ${property('subject')} as subject, ${property('content')} as content, ${property('hs_pipeline')} as pipeline_id,
      ${property('hs_pipeline_stage')} as stage_id, ${property('hs_ticket_priority')} as priority,
      ${property('hs_ticket_category')} as category, ${property('hubspot_owner_id')} as owner_id
    from sized v
    cross join lateral (select * from issues where ${own} and issue_id = v.issue_id limit 1) i
    cross join lateral (select (select seqs from by_issue where issue_id = v.issue_id)[1:v.later] as seqs offset 0) k
    cross join lateral (
      select
        -- Of two changes of a property, the earlier one has the value before both.
        jsonb_object_agg(p.key, p.value -> 'from' order by c.seq desc) filter (where p.key is not null) as properties,
        (array_agg(case c.type when 'issue.restored' then true when 'issue.archived' then false
            else c.detail -> 'was_merged_into' is not null end order by c.seq)
          filter (where c.type in ('issue.archived', 'issue.restored', 'issue.merged')))[1] as archived,
        bool_or(true) filter (where c.type = 'issue.restored') as restored,
        (array_agg(coalesce(c.detail ->> 'was_merged_into', '') order by c.seq) filter (where c.type = 'issue.merged'))[1]
          as was_merged_into
      from changes c left join lateral jsonb_each(c.detail -> 'changed') p on true
      where ${own} and c.seq = any(k.seqs) and v.is_read) o
    cross join lateral (
      select case when v.is_read then i.properties || coalesce(o.properties, '{}') end as properties,
        coalesce(o.archived, i.archived) as archived
      offset 0) r`
  const more = sql`, i.version, i.version_bytes, i.is_read, i.changed_at, i.later, i.was_merged_into`
  const rows = await scope.query(sql<VersionRow>`
    -- All changes of these issues, from the first that is asked for.
    with history as materialized (
      select seq, issue_id, at, count(*) over later as later, coalesce(sum(100 + bytes) over later, 0)::float8 as later_bytes,
        (${JSON.stringify(upTos)}::jsonb ->> seq::text)::float8 as before
      from changes
      where ${own}
        and seq >= greatest(${asked[0]?.seq ?? 0}, (select last_seq from change_counters where ${own}) - ${maxLaterChanges})
        and issue_id = any(${[...new Set(asked.map(({ issueId }) => issueId))]}::uuid[])
      window later as (partition by issue_id order by seq desc rows between unbounded preceding and 1 preceding)
    ),
    by_issue as materialized (select issue_id, array_agg(seq order by seq desc) as seqs from history group by issue_id),
    measured as materialized (
      select h.*, (
        -- A value that is taken back may be there twice, as a column too.
        select ${otherFieldsBytes} + i.bytes + coalesce(octet_length(i.subject), 0) + coalesce(octet_length(i.content), 0)
          + 2 * h.later_bytes + coalesce((
            select x.bytes from issue_associations x
            where x.tenant_id = ${tenantId} and x.integration_id = i.integration_id and x.ticket_id = i.ticket_id), 0)
        from issues i where i.tenant_id = ${tenantId} and i.issue_id = h.issue_id) as size
      from history h
      where h.before is not null and h.later_bytes <= ${maxLaterBytes}
    ),
    sized as materialized (
      select m.*, before + sum(size) over (order by seq) <= ${bytes} as is_read from measured m where size <= ${ofOne}
    )
    ${withAccountData(scope, page, sql`order by i.version`, undefined, more)}`)
  return rows.map((row) => ({
    seq: row.version,
    size: row.version_bytes,
    issue: row.is_read ? issueSchema.parse(presentIssue(versionOf(row))) : undefined,
  }))
}

/** What the statement leaves to do: times that follow from properties, and the merge. */
function versionOf(row: VersionRow): StoredIssue {
  if (row.later === 0) return row
  const { properties, changed_at, was_merged_into } = row
  return {
    ...row,
    created_at: toDate(properties.createdate) ?? row.created_at,
    modified_at: toDate(properties.hs_lastmodifieddate),
    merged_into: was_merged_into === null ? row.merged_into : was_merged_into || null,
    synced_at: changed_at,
  }
}

function toDate(value: string | null | undefined): Date | null {
  const time = toTime(value)
  return time === null ? null : new Date(time)
}
