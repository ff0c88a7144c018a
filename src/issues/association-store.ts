/** All SQL that stores the associations of tickets; they are joined when issues are read. */
import { sql } from 'kysely'
import type { TenantScope } from '../db/scope.ts'
import { indexContent } from './search-terms-store.ts'

export const associatedKinds = ['contacts', 'companies', 'deals'] as const

export type AssociatedKind = (typeof associatedKinds)[number]

/** As stored and as sent in responses. */
export interface AssociatedRecord {
  /** HubSpot's id of the contact, company or deal. */
  id: string
  labels: { category: string; type_id: number; label: string | null }[]
}

/**
 * By kind: a list, or null where HubSpot does not allow the read. A kind is absent when HubSpot
 * gave no result now; it then stays unchanged.
 */
export type TicketAssociations = Partial<Record<AssociatedKind, AssociatedRecord[] | null>>

/** Counts of tickets. */
export interface AssociationCounts {
  changed: number
  /** Same as before, or older than what is stored. */
  unchanged: number
}

/**
 * Stores the associations of up to 1,000 tickets in one statement. Equal content writes nothing,
 * older content never replaces newer, an empty list removes what was stored, and an absent kind
 * stays unchanged. Ids that are not an issue here are neither stored nor counted: when an event
 * does not say which end is the ticket, we read both ends, and a ticket's own associations are read
 * again when it arrives. The caller holds the integration's row lock, so the compared rows cannot
 * change.
 *
 * @param observedAt HubSpot's clock at the first response that contained the associations. Within
 *   the same second, the later write wins
 */
export async function saveAssociations(
  scope: TenantScope,
  integrationId: string,
  associations: ReadonlyMap<string, TicketAssociations>,
  observedAt: Date,
): Promise<AssociationCounts> {
  const rows = [...associations].map(([ticket_id, of]) => ({ ticket_id, associations: of }))
  const [saved] = await scope.query(sql<AssociationCounts & { indexed: string[] }>`
    with page as (
      select r.* from jsonb_to_recordset(${JSON.stringify(rows)}::jsonb) as r(ticket_id text, associations jsonb)
    ),
    judged as (
      select p.ticket_id, coalesce(k.associations, '{}') || p.associations as associations,
        case
          when k.ticket_id is null then p.associations <> '{}'
          else k.associations || p.associations <> k.associations
            and k.observed_at <= ${observedAt.toISOString()}::timestamptz
        end as changed
      -- One probe of the key per row, also before the table has statistics.
      from page p
      cross join lateral (
        select from issues i
        where i.tenant_id = ${scope.tenantId} and i.integration_id = ${integrationId} and i.ticket_id = p.ticket_id
        limit 1
      ) here
      left join lateral (
        select a.ticket_id, a.associations, a.observed_at
        from issue_associations a
        where a.tenant_id = ${scope.tenantId} and a.integration_id = ${integrationId}
          and a.ticket_id = p.ticket_id
        limit 1
      ) k on true
    ),
    saved as (
      insert into issue_associations (tenant_id, integration_id, ticket_id, associations, observed_at)
      select ${scope.tenantId}, ${integrationId}, j.ticket_id, j.associations, ${observedAt.toISOString()}
      from judged j where j.changed
      on conflict (tenant_id, integration_id, ticket_id) do update set
        associations = excluded.associations, observed_at = excluded.observed_at
    )
    select count(*) filter (where changed)::int as changed, count(*) filter (where not changed)::int as unchanged,
      coalesce(array_agg(ticket_id) filter (where changed and exists (
        select from search_builds b
        where b.tenant_id = ${scope.tenantId} and b.integration_id = ${integrationId})), '{}') as indexed
    from judged`)
  const { changed = 0, unchanged = 0, indexed = [] } = saved ?? {}
  await indexContent(scope, integrationId, indexed)
  return { changed, unchanged }
}

/** Which of these tickets have stored associations of the kind. */
export async function findAssociated(
  scope: TenantScope,
  integrationId: string,
  kind: AssociatedKind,
  ticketIds: readonly string[],
): Promise<Set<string>> {
  const rows = await scope.query(sql<{ id: string }>`
    select k.ticket_id as id
    from unnest(${[...ticketIds]}::text[]) asked(id)
    -- One probe of the key per row, also before the table has statistics.
    cross join lateral (
      select a.ticket_id, a.associations from issue_associations a
      where a.tenant_id = ${scope.tenantId} and a.integration_id = ${integrationId} and a.ticket_id = asked.id
      limit 1
    ) k
    where jsonb_array_length(case jsonb_typeof(k.associations -> ${kind}) when 'array' then k.associations -> ${kind}
      else '[]' end) > 0`)
  return new Set(rows.map(({ id }) => id))
}
