/** Compares what Spoke stores with what HubSpot has. */
import assert from 'node:assert/strict'
import type { Issue } from '../packages/sdk/src/spoke.ts'
import type { DemoHubSpot } from './hubspot.ts'
import { issuesOf } from './runs.ts'
import type { DemoContext, Tenant } from './tenants.ts'

/** Every ticket is here, and nothing else is. */
export async function checkCopies(
  { spoke, hubspot, screen, step }: DemoContext,
  tenants: Tenant[],
): Promise<void> {
  step('the copies equal what HubSpot has')
  for (const { id, account } of tenants)
    assertSame(await issuesOf(spoke.tenant(id)), hubspot.truth(account.hubId))
  screen.held('Compared', 'each issue here with its ticket at HubSpot: nothing missing, nothing more')
}

export function assertSame(issues: Map<string, Issue>, truth: ReturnType<DemoHubSpot['truth']>): void {
  assert.equal(issues.size, truth.size, `${issues.size} issues here, ${truth.size} tickets at HubSpot`)
  for (const [ticketId, ticket] of truth) {
    const issue = issues.get(ticketId)
    assert.ok(issue, `ticket ${ticketId} is not here`)
    assert.deepEqual(
      { subject: issue.subject, priority: issue.priority },
      ticket,
      `ticket ${ticketId} differs`,
    )
  }
}
