/** SQL that indexes the words, property values and associations of issues. */
import { sql } from 'kysely'
import type { TenantScope } from '../db/scope.ts'
import { chunks } from '../lib/chunks.ts'
import { letOthersRun } from '../lib/clock.ts'
import { createTermsOf, type IndexedContent, type SearchTerms } from './search-terms.ts'

/** Issues whose content is in memory at once. */
const atOnce = 50
/** Characters that are processed without a pause: some milliseconds. */
const withoutPause = 20_000

/**
 * Indexes what is stored of these issues now, in the transaction that has written it: a query finds
 * each change at once. The caller holds the integration's lock, and knows that the integration is
 * indexed.
 */
export async function indexContent(
  scope: TenantScope,
  integrationId: string,
  ticketIds: readonly string[],
): Promise<void> {
  const { tenantId } = scope
  const termsOf = createTermsOf(tenantId)
  for (const some of chunks(ticketIds, atOnce)) {
    const issues = await scope.query(
      sql<IndexedContent>`
      select i.ticket_id, i.properties, a.associations
      from unnest(${some}::text[]) asked(id)
      -- One probe of each key per issue, also before the tables have statistics.
      cross join lateral (
        select i.ticket_id, i.properties from issues i
        where i.tenant_id = ${tenantId} and i.integration_id = ${integrationId} and i.ticket_id = asked.id
        limit 1) i
      left join lateral (
        select a.associations from issue_associations a
        where a.tenant_id = ${tenantId} and a.integration_id = ${integrationId} and a.ticket_id = asked.id
        limit 1) a on true`,
      { prepare: true },
    )
    const rows: SearchTerms[] = []
    let since = 0
    for (const issue of issues) {
      rows.push(termsOf(issue))
      since += lengthOf(issue)
      if (since < withoutPause) continue
      since = 0
      await letOthersRun()
    }
    await scope.query(
      sql`
      insert into issue_terms as t (tenant_id, integration_id, ticket_id, words, terms)
      select ${tenantId}::uuid, ${integrationId}::uuid, r.ticket_id, r.words::tsvector, r.terms
      from jsonb_to_recordset(${JSON.stringify(rows)}::jsonb) as r(ticket_id text, words text, terms bigint[])
      on conflict (tenant_id, integration_id, ticket_id) do update set words = excluded.words, terms = excluded.terms
        where t.words <> excluded.words or t.terms <> excluded.terms`,
      { prepare: true },
    )
  }
}

const lengthOf = ({ properties }: IndexedContent) => {
  let length = 0
  for (const name in properties) length += name.length + (properties[name]?.length ?? 0)
  return length
}
