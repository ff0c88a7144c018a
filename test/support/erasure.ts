/** Shared by the tests of erasure: a worker's erasure without the worker, and a search through all rows. */
import { sql } from 'kysely'
import type { Database } from '../../src/db/database.ts'
import { type EraserDependencies, eraseMarkedTenants } from '../../src/integrations/eraser.ts'
import { systemClock } from '../../src/lib/clock.ts'
import { createMetrics } from '../../src/lib/metrics.ts'
import { dumpOf } from './canaries.ts'
import { quiet } from './engines.ts'
import { ring } from './rows.ts'

/** The tables (of every schema) that hold the text in any row. */
export async function tablesWith(db: Database, text: string): Promise<string[]> {
  return (await dumpOf(db)).filter(({ content }) => content.includes(text)).map(({ name }) => name)
}

/** One pass of the eraser. HubSpot is not called. */
export async function eraseNow(db: Database): Promise<void> {
  const hubspot = {} as EraserDependencies['hubspot']
  const shared = { db, ring, hubspot, app: undefined, log: quiet, clock: systemClock }
  await eraseMarkedTenants({ ...shared, metrics: createMetrics() }, new AbortController().signal)
}

/** Adds issues without the sync, each seen once. */
export async function addIssues(
  db: Database,
  tenantId: string,
  integrationId: string,
  count: number,
  content = 'x',
): Promise<void> {
  const step = 10_000
  for (let from = 1; from <= count; from += step) {
    const to = Math.min(count, from + step - 1)
    await sql`
      with made as (
        insert into issues (tenant_id, integration_id, ticket_id, issue_id, modified_at, properties, observed_at)
        select ${tenantId}, ${integrationId}, (1000000 + n)::text, gen_random_uuid(), now(),
          jsonb_build_object('subject', 'Subject ' || n, 'content', ${content}::text), now()
        from generate_series(${from}::int, ${to}::int) n returning ticket_id)
      insert into issue_last_seen (tenant_id, integration_id, ticket_id, seen_at)
      select ${tenantId}, ${integrationId}, ticket_id, now() from made`.execute(db.kysely)
  }
}
