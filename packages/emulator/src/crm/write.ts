// Changing a ticket: what HubSpot sets by itself when something else changes.
import { instant } from '../clock.ts'
import type { Portal } from '../portals.ts'
import { type Changes, timeOf } from './checks.ts'
import { readTimeValue } from './read-time.ts'
import { timeInStage } from './read-time-definitions.ts'
import type { Ticket } from './tickets.ts'

// What follows from a change: closing sets the close date, reopening takes it away, a stage implies its pipeline.
// Answers the ticket's own values after it.
export function applyChanges(
  portal: Portal,
  ticket: Ticket | null,
  changes: Changes,
  now: number,
): Record<string, string | null> {
  const next: Record<string, string | null> = { ...ticket?.own }
  const set = (name: string, value: string | null) => {
    // A generated value shows through unless a null covers it; and what was cleared is remembered.
    if (value !== null || ticket !== null) next[name] = value
  }
  const before = (name: string) => (ticket ? (portal.tickets.value(ticket, name) ?? null) : null)
  for (const [name, value] of Object.entries(changes)) if (name !== 'createdate') set(name, value)
  if (ticket && !('hs_pipeline_stage' in changes) && !('hs_pipeline' in changes)) return next

  const pipelines = portal.pipelines
  const stage =
    'hs_pipeline_stage' in changes ? (changes.hs_pipeline_stage ?? null) : before('hs_pipeline_stage')
  if (changes.hs_pipeline_stage) {
    const home = pipelines.find((one) => one.stages.some((each) => each.id === stage))
    if (home) set('hs_pipeline', home.id)
  }
  const pipeline = next.hs_pipeline === undefined ? before('hs_pipeline') : next.hs_pipeline
  if (pipeline === null && pipelines[0]) set('hs_pipeline', pipelines[0].id)
  const left = before('hs_pipeline_stage')
  if (stage === left) return next
  if (ticket && left !== null)
    set(timeInStage(left), readTimeValue(portal, ticket, timeInStage(left)) ?? null)
  set('hs_v2_date_entered_current_stage', instant(now))
  if (!portal.closedStages.has(stage ?? '')) {
    set('closed_date', null)
    set('time_to_close', null)
    return next
  }
  const closed = next.closed_date === undefined ? before('closed_date') : next.closed_date
  if (closed === null) {
    set('closed_date', instant(now))
    if (ticket) set('time_to_close', String(now - ticket.createdAt))
  }
  return next
}

export function createTicket(portal: Portal, changes: Changes, now: number, source: string): Ticket {
  const values = applyChanges(portal, null, changes, now)
  const createdAt = (changes.createdate ? timeOf(changes.createdate) : null) ?? now
  const ticket = portal.tickets.add({
    createdAt,
    updatedAt: now,
    own: { hs_object_source: source, hs_object_source_label: source, ...values },
  })
  portal.emitter.emit?.(portal.portal_id, { kind: 'created', ticket, at: now })
  return ticket
}

export function updateTicket(portal: Portal, ticket: Ticket, changes: Changes, now: number): Ticket {
  const own = applyChanges(portal, ticket, changes, now)
  const createdAt = (changes.createdate ? timeOf(changes.createdate) : null) ?? ticket.createdAt
  const next = { ...ticket, createdAt, own, updatedAt: now }
  portal.tickets.put(next)
  portal.emitter.emit?.(portal.portal_id, { kind: 'changed', before: ticket, ticket: next, at: now })
  return next
}

// HubSpot dates the archiving itself; whether it also moves the modified time is undocumented: a switch.
export function archiveTicket(
  portal: Portal,
  ticket: Ticket,
  now: number,
  mergedInto: number | null = null,
): void {
  const updatedAt = portal.quirks.archive_bumps ? now : ticket.updatedAt
  portal.tickets.put({ ...ticket, updatedAt, archivedAt: now, mergedInto })
  // A merge is told as one thing by who merges.
  if (mergedInto === null)
    portal.emitter.emit?.(portal.portal_id, { kind: 'deleted', id: ticket.id, at: now })
}

// Only people restore, in HubSpot's own pages; whether it moves the modified time is undocumented: a switch.
export function restoreTicket(portal: Portal, ticket: Ticket, now: number): void {
  const updatedAt = portal.quirks.restore_bumps ? now : ticket.updatedAt
  portal.tickets.put({ ...ticket, updatedAt, archivedAt: null })
  portal.emitter.emit?.(portal.portal_id, { kind: 'restored', id: ticket.id, at: now })
}
