/** The table at the end, and lines to paste into another terminal. */
import assert from 'node:assert/strict'
import { issuesOf } from './runs.ts'
import { table } from './screen.ts'
import type { DemoContext, Tenant } from './tenants.ts'

export async function showTable({ spoke, screen, step }: DemoContext, tenants: Tenant[]): Promise<void> {
  step('the table adds up')
  const rows: (string | number)[][] = [
    ['', 'HubSpot account', 'connected by', 'tickets', 'issues', 'last sync'],
  ]
  for (const { letter, id, integrationId, account, connected } of tenants) {
    const tenant = spoke.tenant(id)
    const { total_count: live } = await tenant.tickets.list(integrationId, { limit: 1 })
    const here = (await issuesOf(tenant)).size
    const { last_sync: lastSync } = await tenant.integrations.get(integrationId)
    assert.equal(here, live)
    assert.ok(lastSync, `tenant ${letter} has no last sync`)
    rows.push([
      letter,
      `${account.name} (${account.hubId})`,
      connected,
      live ?? '',
      here,
      lastSync.slice(11, 19),
    ])
  }
  const [head, ...lines] = table(rows)
  screen.line()
  screen.line(`  ${screen.paint('dim', head ?? '')}`)
  for (const one of lines) screen.line(`  ${one}`)
}

export function showLines({ base, hubspot, screen }: DemoContext, a: Tenant, b: Tenant): void {
  screen.heading('Try it')
  const at = '$SPOKE/api/hubspot'
  const lines: [string, string[]][] = [
    [
      'the ids: tenant A, its integration, and tenant B',
      [
        `TENANT=${a.id}`,
        `INTEGRATION=${a.integrationId}`,
        `OTHER=${b.id}`,
        `SPOKE=${base}`,
        `HUBSPOT=${hubspot.url}/_emulator/portals/${a.account.hubId}`,
      ],
    ],
    ['is the connection good?', [`curl "${at}/status/$TENANT/$INTEGRATION"`]],
    ['tickets, live from HubSpot', [`curl "${at}/tickets/$TENANT/$INTEGRATION?limit=3"`]],
    ['issues, our copy', [`curl "${at}/issues/$TENANT?limit=3"`]],
    [
      'find issues by their text, and count them',
      [`curl "${at}/issues/$TENANT?q=printer&fields=subject&count=exact"`],
    ],
    ['the API reference, for a browser', ['echo "$SPOKE/docs"']],
    ['tenant B asks for A’s integration', [`curl -i "${at}/status/$OTHER/$INTEGRATION"`]],
    ['change three tickets at HubSpot …', [`curl -X PATCH -d '{"count": 3}' "$HUBSPOT/tickets"`]],
    [
      '… and sync what changed',
      [
        `curl -H 'Content-Type: application/json' -d '{"sync_type":"incremental"}' \\`,
        `  "${at}/sync/$TENANT/$INTEGRATION"`,
      ],
    ],
    ['how the runs went', [`curl "${at}/sync/$TENANT/$INTEGRATION"`]],
  ]
  for (const [what, commands] of lines) {
    screen.line(`  ${screen.paint('dim', `# ${what}`)}`)
    for (const command of commands) screen.line(`  ${command}`)
  }
}
