/** Tickets as a kind of object to sync: what HubSpot must be asked, and where the records go. */
import type { TenantScope } from '../tenants/scope.ts'
import { type IssueRow, isRejected, type RejectedRecord, toIssue } from './issue.ts'
import { ticketProperties } from './properties.ts'
import { keepIssues } from './store.ts'

export const ticketKind = {
  name: 'tickets',
  path: 'tickets',
  modifiedProperty: 'hs_lastmodifieddate',
  properties: ticketProperties,
  keep: keepTickets,
} as const

/** Counts of one page. */
export interface KeepReport {
  inserted: number
  changed: number
  unchanged: number
  rejected: RejectedRecord[]
}

/** Keeps a page of tickets as issues; a record that cannot be kept is reported and does not stop the others. */
async function keepTickets(
  scope: TenantScope,
  integrationId: string,
  records: readonly unknown[],
  observedAt: Date,
): Promise<KeepReport> {
  const rejected: RejectedRecord[] = []
  const rows = new Map<string, IssueRow>()
  for (const record of records) {
    const mapped = toIssue(record)
    if (isRejected(mapped)) {
      rejected.push(mapped)
      continue
    }
    // A page that names a ticket twice keeps its newer form; one statement can write a row only once.
    const twin = rows.get(mapped.ticket_id)
    if (!twin || twin.modified_at <= mapped.modified_at) rows.set(mapped.ticket_id, mapped)
  }
  const kept = await keepIssues(scope, integrationId, [...rows.values()], observedAt)
  const count = (...outcomes: string[]) => kept.filter(({ outcome }) => outcomes.includes(outcome)).length
  return {
    inserted: count('inserted'),
    changed: count('changed'),
    unchanged: count('unchanged', 'stale'),
    rejected,
  }
}
