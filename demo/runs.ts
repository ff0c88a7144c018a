/** What the demo and the live test read of a tenant: a run until it ends, and all issues. */
import type { Issue, SpokeTenant, SyncEvent } from '../packages/sdk/src/spoke.ts'

/** Follows a run until it ends. @returns its last state */
export async function followToEnd(
  tenant: SpokeTenant,
  integrationId: string,
  syncEventId: string,
  onProgress: (run: SyncEvent) => void,
): Promise<SyncEvent> {
  let last: SyncEvent | undefined
  for await (const run of tenant.sync.follow(integrationId, syncEventId)) {
    last = run
    onProgress(run)
  }
  if (!last) throw new Error('the run had no state')
  return last
}

/** All issues of a tenant, by HubSpot's ticket id. */
export async function issuesOf(tenant: SpokeTenant): Promise<Map<string, Issue>> {
  const found = new Map<string, Issue>()
  for await (const issue of tenant.issues.all({ limit: 200 })) found.set(issue.ticket_id, issue)
  return found
}
