// A ticket as it goes over the wire: which properties, null or absent, and the times around them.
import { instant } from '../clock.ts'
import type { Portal } from '../portals.ts'
import type { Quirks } from '../quirks.ts'
import type { Ticket } from './tickets.ts'

const DEFAULTS = [
  'content',
  'createdate',
  'hs_lastmodifieddate',
  'hs_object_id',
  'hs_pipeline',
  'hs_pipeline_stage',
  'hs_ticket_category',
  'hs_ticket_priority',
  'subject',
]
// These come back whether or not they were asked for.
const ALWAYS = ['createdate', 'hs_lastmodifieddate', 'hs_object_id']

// A create or an update answers with more than a read does.
const AFTER_WRITE = [
  ...DEFAULTS,
  'closed_date',
  'hs_createdate',
  'hs_helpdesk_sort_timestamp',
  'hs_is_closed',
  'hs_is_visible_in_help_desk',
  'hs_object_source',
  'hs_object_source_label',
  'hs_ticket_id',
  'hs_v2_date_entered_current_stage',
  'hubspot_owner_id',
]

export type Wanted = { properties: string[]; history: string[] }

export function propertyValue(portal: Portal, ticket: Ticket, name: string): string | undefined {
  switch (name) {
    case 'createdate':
    case 'hs_createdate':
      return instant(ticket.createdAt)
    case 'hs_lastmodifieddate':
      return instant(ticket.updatedAt)
    case 'hs_object_id':
    case 'hs_ticket_id':
      return String(ticket.id)
    case 'hs_is_closed':
      return portal.closedStages.has(ticket.properties.hs_pipeline_stage ?? '') ? 'true' : 'false'
    case 'hs_is_visible_in_help_desk':
      return 'true'
    case 'hs_helpdesk_sort_timestamp':
      return instant(ticket.createdAt)
    case 'hs_all_owner_ids':
      return ticket.properties.hubspot_owner_id
    default:
      return ticket.properties[name]
  }
}

// A name without a definition is dropped without a word; a defined but empty one is null (or absent, by switch).
export function showProperties(portal: Portal, quirks: Quirks, ticket: Ticket, names: readonly string[]) {
  const shown: Record<string, string | null> = {}
  for (const name of [...new Set(names)].sort()) {
    const definition = portal.definitions.get(name)
    if (!definition || definition.archived) continue
    const value = propertyValue(portal, ticket, name)
    if (value !== undefined) shown[name] = value
    else if (!quirks.absent_empty_properties) shown[name] = null
  }
  return shown
}

export function allProperties(portal: Portal, ticket: Ticket): Record<string, string> {
  const all: Record<string, string> = {}
  for (const name of [...portal.definitions.keys()].sort()) {
    const value = propertyValue(portal, ticket, name)
    if (value !== undefined) all[name] = value
  }
  return all
}

export function showTicket(
  portal: Portal,
  quirks: Quirks,
  ticket: Ticket,
  wanted: Wanted,
): Record<string, unknown> {
  const names = wanted.properties.length > 0 ? [...wanted.properties, ...ALWAYS] : DEFAULTS
  return frame(
    portal,
    ticket,
    showProperties(portal, quirks, ticket, [...names, ...wanted.history]),
    wanted.history,
  )
}

export function showWritten(
  portal: Portal,
  quirks: Quirks,
  ticket: Ticket,
  given: readonly string[],
): Record<string, unknown> {
  return frame(portal, ticket, showProperties(portal, quirks, ticket, [...AFTER_WRITE, ...given]), [])
}

function frame(
  portal: Portal,
  ticket: Ticket,
  properties: Record<string, string | null>,
  history: readonly string[],
): Record<string, unknown> {
  const shown: Record<string, unknown> = { id: String(ticket.id), properties }
  if (history.length > 0) shown.propertiesWithHistory = showHistory(portal, ticket, history)
  shown.createdAt = instant(ticket.createdAt)
  shown.updatedAt = instant(ticket.updatedAt)
  shown.archived = ticket.archivedAt !== null
  if (ticket.archivedAt !== null) shown.archivedAt = instant(ticket.archivedAt)
  shown.url = `https://${portal.ui_domain}/contacts/${portal.portal_id}/record/0-5/${ticket.id}`
  return shown
}

// Earlier values are not kept: the history is the present value.
function showHistory(portal: Portal, ticket: Ticket, names: readonly string[]): Record<string, unknown> {
  const shown: Record<string, unknown> = {}
  for (const name of names) {
    if (!portal.definitions.has(name)) continue
    const value = propertyValue(portal, ticket, name)
    shown[name] =
      value === undefined
        ? []
        : [{ value, timestamp: instant(ticket.updatedAt), sourceType: 'CRM_UI', sourceId: 'userId:1' }]
  }
  return shown
}
