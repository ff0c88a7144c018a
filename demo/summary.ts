/** The table at the end, and lines to paste into another terminal. */
import assert from 'node:assert/strict'
import type { Cast, Tenant } from './cast.ts'
import { table } from './screen.ts'

export async function showTable({ api, screen, step }: Cast, tenants: Tenant[]): Promise<void> {
  step('the table adds up')
  const rows: (string | number)[][] = [
    ['tenant', 'HubSpot account', 'connected by', 'tickets at HubSpot', 'issues here', 'last sync (UTC)'],
  ]
  for (const { letter, id, integrationId, account, connected } of tenants) {
    const live = (await api.get(`/api/hubspot/tickets/${id}/${integrationId}?limit=1`)).body.total_count
    const here = (await api.issues(id)).size
    const { last_sync: lastSync } = (await api.get(`/api/hubspot/integrations/${id}/${integrationId}`)).body
    assert.equal(here, live)
    assert.ok(lastSync, `tenant ${letter} has no last sync`)
    rows.push([
      letter,
      `${account.name} (${account.portalId})`,
      connected,
      live,
      here,
      lastSync.slice(11, 19),
    ])
  }
  const [head, ...lines] = table(rows)
  screen.line()
  screen.line(`  ${screen.paint('dim', head ?? '')}`)
  for (const one of lines) screen.line(`  ${one}`)
}

export function showLines({ base, hubspot, screen }: Cast, a: Tenant, b: Tenant): void {
  screen.heading('Try it')
  const own = `${a.id}/${a.integrationId}`
  const json = "-H 'Content-Type: application/json'"
  const lines: [string, string][] = [
    ['is the connection good?', `curl ${base}/api/hubspot/status/${own}`],
    ['tickets, live from HubSpot', `curl '${base}/api/hubspot/tickets/${own}?limit=3'`],
    ['issues, our copy', `curl '${base}/api/hubspot/issues/${a.id}?limit=3'`],
    ['tenant B asks for A’s integration', `curl -i ${base}/api/hubspot/status/${b.id}/${a.integrationId}`],
    [
      'change three tickets at HubSpot …',
      `curl -X PATCH ${json} -d '{"count": 3}' ${hubspot.url}/_emulator/portals/${a.account.portalId}/tickets`,
    ],
    [
      '… and sync what changed',
      `curl -X POST ${json} -d '{"sync_type": "incremental"}' ${base}/api/hubspot/sync/${own}`,
    ],
    ['how the runs went', `curl ${base}/api/hubspot/sync/${own}`],
  ]
  for (const [what, command] of lines) {
    screen.line(`  ${screen.paint('dim', `# ${what}`)}`)
    screen.line(`  ${command}`)
  }
}
