// The values of properties that HubSpot computes when a record is read.
import type { Portal } from '../portals.ts'
import { timeInStage } from './read-time-definitions.ts'
import type { Ticket } from './tickets.ts'

// The time in the present stage until now, and in a stage that was left the time that it took.
export function readTimeValue(portal: Portal, ticket: Ticket, name: string): string | undefined {
  const { tickets } = portal
  const before = tickets.value(ticket, name)
  if (name !== timeInStage(tickets.value(ticket, 'hs_pipeline_stage') ?? '')) return before
  return String(Number(before ?? 0) + Math.max(0, portal.now() - enteredAt(portal, ticket)))
}

function enteredAt(portal: Portal, ticket: Ticket): number {
  const entered = portal.tickets.value(ticket, 'hs_v2_date_entered_current_stage')
  return entered === undefined ? ticket.createdAt : Date.parse(entered)
}
