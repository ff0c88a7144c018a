/**
 * All SQL that stores the names behind the ids in tickets; they are joined when issues are read.
 */
import { sql } from 'kysely'
import type { TenantScope } from '../db/scope.ts'

export interface LabelRow {
  topic: 'pipeline' | 'stage' | 'owner'
  /** For a stage: its pipeline. Otherwise empty. */
  parent: string
  id: string
  label: string | null
  email: string | null
  closed: boolean | null
  archived: boolean
}

/**
 * Stores all labels of these topics in one statement; an equal label writes nothing. A label that
 * is no longer among them keeps its name and becomes archived.
 *
 * @param topics the topics that were read completely
 * @param rows all labels; the later of two duplicates wins
 */
export async function saveLabels(
  scope: TenantScope,
  integrationId: string,
  topics: readonly LabelRow['topic'][],
  rows: readonly LabelRow[],
): Promise<void> {
  const last = new Map(rows.map((row) => [JSON.stringify([row.topic, row.parent, row.id]), row]))
  await scope.query(sql`
    with given as (
      select r.* from jsonb_to_recordset(${JSON.stringify([...last.values()])}::jsonb) as r(
        topic text, parent text, id text, label text, email text, closed boolean, archived boolean)
    ),
    saved as (
      insert into labels as l (tenant_id, integration_id, topic, parent, id, label, email, closed, archived)
      select ${scope.tenantId}, ${integrationId}, g.topic, g.parent, g.id, g.label, g.email, g.closed, g.archived
      from given g
      on conflict (tenant_id, integration_id, topic, parent, id) do update set
        label = excluded.label, email = excluded.email, closed = excluded.closed, archived = excluded.archived
        where (l.label, l.email, l.closed, l.archived)
          is distinct from (excluded.label, excluded.email, excluded.closed, excluded.archived)
    )
    update labels l set archived = true
    where l.tenant_id = ${scope.tenantId} and l.integration_id = ${integrationId}
      and l.topic = any(${[...topics]}::text[]) and not l.archived
      and not exists (select from given g where g.topic = l.topic and g.parent = l.parent and g.id = l.id)`)
}
