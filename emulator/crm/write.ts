// Changing a ticket: what HubSpot sets by itself when something else changes.
import { instant } from '../clock.ts'
import type { Portal } from '../portals.ts'
import { type Changes, timeOf } from './checks.ts'
import type { Ticket } from './tickets.ts'

// What follows from a change: closing sets the close date, reopening takes it away, a stage implies its pipeline.
export function applyChanges(
  portal: Portal,
  ticket: Ticket | null,
  changes: Changes,
  now: number,
): Record<string, string> {
  const next: Record<string, string> = { ...ticket?.properties }
  for (const [name, value] of Object.entries(changes)) {
    if (name === 'createdate') continue
    if (value === null) delete next[name]
    else next[name] = value
  }
  const stage = next.hs_pipeline_stage
  const home = portal.pipelines.find((one) => one.stages.some((each) => each.id === stage))
  if (home && changes.hs_pipeline_stage) next.hs_pipeline = home.id
  if (next.hs_pipeline === undefined && portal.pipelines[0]) next.hs_pipeline = portal.pipelines[0].id
  const closed = portal.closedStages.has(stage ?? '')
  if (stage !== ticket?.properties.hs_pipeline_stage) {
    next.hs_v2_date_entered_current_stage = instant(now)
    if (closed && next.closed_date === undefined) {
      next.closed_date = instant(now)
      if (ticket) next.time_to_close = String(now - ticket.createdAt)
    }
    if (!closed) {
      delete next.closed_date
      delete next.time_to_close
    }
  }
  return next
}

export function createTicket(portal: Portal, changes: Changes, now: number, source: string): Ticket {
  const properties = applyChanges(portal, null, changes, now)
  const createdAt = (changes.createdate ? timeOf(changes.createdate) : null) ?? now
  return portal.tickets.add({
    createdAt,
    updatedAt: now,
    properties: { hs_object_source: source, hs_object_source_label: source, ...properties },
  })
}

export function updateTicket(portal: Portal, ticket: Ticket, changes: Changes, now: number): Ticket {
  const properties = applyChanges(portal, ticket, changes, now)
  const createdAt = (changes.createdate ? timeOf(changes.createdate) : null) ?? ticket.createdAt
  const next = { ...ticket, createdAt, properties, updatedAt: now }
  portal.tickets.put(next)
  return next
}

// HubSpot dates the archiving itself; whether it also moves the modified time is undocumented, here it does not.
export function archiveTicket(
  portal: Portal,
  ticket: Ticket,
  now: number,
  mergedInto: number | null = null,
): void {
  portal.tickets.put({ ...ticket, archivedAt: now, mergedInto })
}
