/**
 * The floor, as a process: the same pages as Spoke requests, fetched by undici and nothing around it, parsed because the
 * next page's cursor is in them, and each stored by one statement in a table with the same columns and its primary
 * key alone. No budget, no retry, no checkpoint, no tenant, nothing compared. One page after the other.
 */
import pg from 'pg'
import { Agent, request } from 'undici'

export interface BaselineTask {
  apiUrl: string
  token: string
  databaseUrl: string
  /** Path and query of each list's first page, as Spoke requested it. */
  lists: string[]
  /** Paths of the batch reads of associations, by kind. */
  associations: [kind: string, path: string][]
}

export interface BaselineReport {
  seconds: number
  tickets: number
}

/** HubSpot reads the associations of so many records in one call. */
const linksAtOnce = 1_000
const tenant = '00000000-0000-4000-8000-000000000001'

const keepPage = `
  insert into floor_issues (tenant_id, integration_id, ticket_id, issue_id, subject, content, pipeline_id, stage_id,
    priority, category, owner_id, ticket_created_at, modified_at, archived, archived_at, url, properties, observed_at)
  select '${tenant}', '${tenant}', r.id, gen_random_uuid(), p->>'subject', p->>'content', p->>'hs_pipeline',
    p->>'hs_pipeline_stage', p->>'hs_ticket_priority', p->>'hs_ticket_category', p->>'hubspot_owner_id',
    r."createdAt", r."updatedAt", r.archived, r."archivedAt", r.url, p, now()
  from jsonb_to_recordset($1::jsonb -> 'results') as r(id text, properties jsonb, "createdAt" timestamptz,
    "updatedAt" timestamptz, archived boolean, "archivedAt" timestamptz, url text), lateral (select r.properties as p)
  on conflict (tenant_id, integration_id, ticket_id) do update set
    subject = excluded.subject, content = excluded.content, pipeline_id = excluded.pipeline_id,
    stage_id = excluded.stage_id, priority = excluded.priority, category = excluded.category,
    owner_id = excluded.owner_id, ticket_created_at = excluded.ticket_created_at,
    modified_at = excluded.modified_at, archived = excluded.archived, archived_at = excluded.archived_at,
    url = excluded.url, properties = excluded.properties, observed_at = excluded.observed_at`

const keepLinks = `
  insert into floor_associations (tenant_id, integration_id, ticket_id, associations, observed_at)
  select '${tenant}', '${tenant}', r.id, r.associations, now()
  from jsonb_to_recordset($1::jsonb) as r(id text, associations jsonb)
  on conflict (tenant_id, integration_id, ticket_id) do update set
    associations = excluded.associations, observed_at = excluded.observed_at`

interface Page {
  results: { id: string }[]
  paging?: { next?: { after: string } }
}

interface Links {
  results: { from: { id: string }; to: unknown[] }[]
}

async function run({
  apiUrl,
  token,
  databaseUrl,
  lists,
  associations,
}: BaselineTask): Promise<BaselineReport> {
  const agent = new Agent({ connections: 8 })
  const db = new pg.Client({ connectionString: databaseUrl })
  await db.connect()
  for (const [mine, like] of [
    ['floor_issues', 'issues'],
    ['floor_associations', 'issue_associations'],
  ])
    await db.query(`create table ${mine} (like ${like} including defaults,
      primary key (tenant_id, integration_id, ticket_id)); alter table ${mine} alter bytes drop not null`)
  const headers = {
    accept: 'application/json',
    'accept-encoding': 'identity',
    authorization: `Bearer ${token}`,
  }

  async function fetchText(path: string, body?: unknown): Promise<string> {
    const answer = await request(`${apiUrl}${path}`, {
      dispatcher: agent,
      method: body === undefined ? 'GET' : 'POST',
      headers: body === undefined ? headers : { ...headers, 'content-type': 'application/json' },
      body: body === undefined ? null : JSON.stringify(body),
    })
    const text = await answer.body.text()
    if (answer.statusCode >= 300) throw new Error(`${path}: ${answer.statusCode} ${text}`)
    return text
  }

  async function link(ids: string[]): Promise<void> {
    const of = new Map<string, Record<string, unknown>>(ids.map((id) => [id, {}]))
    const inputs = ids.map((id) => ({ id }))
    const read = async ([kind, path]: [string, string]) => {
      const { results } = JSON.parse(await fetchText(path, { inputs })) as Links
      for (const { from, to } of results) Object.assign(of.get(from.id) ?? {}, { [kind]: to })
    }
    await Promise.all(associations.map(read))
    await db.query(keepLinks, [JSON.stringify([...of].map(([id, links]) => ({ id, associations: links })))])
  }

  const began = performance.now()
  let tickets = 0
  let owed: string[] = []
  for (const first of lists) {
    let after: string | undefined
    do {
      const text = await fetchText(
        after === undefined ? first : `${first}&after=${encodeURIComponent(after)}`,
      )
      const page = JSON.parse(text) as Page
      if (page.results.length > 0) await db.query(keepPage, [text])
      tickets += page.results.length
      after = page.paging?.next?.after
      if (associations.length === 0) continue
      owed.push(...page.results.map(({ id }) => id))
      while (owed.length >= linksAtOnce) {
        await link(owed.slice(0, linksAtOnce))
        owed = owed.slice(linksAtOnce)
      }
    } while (after !== undefined)
  }
  if (owed.length > 0) await link(owed)
  const seconds = (performance.now() - began) / 1_000
  await db.end()
  await agent.close()
  return { seconds, tickets }
}

process.on('message', async (task: BaselineTask) => {
  process.send?.(await run(task))
})
process.on('disconnect', () => process.exit())
process.send?.('ready')
