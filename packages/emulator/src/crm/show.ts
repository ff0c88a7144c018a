// A ticket as it goes over the wire: which properties, null or absent, and the times around them.
import { instant } from '../clock.ts'
import type { Portal } from '../portals.ts'
import type { Quirks } from '../quirks.ts'
import { readTimeValue } from './read-time.ts'
import { isDefined, isReadTime } from './read-time-definitions.ts'
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

// What is answered: a list, a search, or records by their ids.
export type Source = 'list' | 'search' | 'ids'

// What a request wants, checked against the definitions once and not for each of its tickets.
export type Shape = { names: readonly string[]; history: readonly string[]; source: Source }

export function propertyValue(portal: Portal, ticket: Ticket, name: string): string | undefined {
  switch (name) {
    // Time zero is one that HubSpot does not know.
    case 'createdate':
    case 'hs_createdate':
      return ticket.createdAt === 0 ? '' : instant(ticket.createdAt)
    case 'hs_lastmodifieddate':
      return ticket.updatedAt === 0 ? undefined : instant(ticket.updatedAt)
    case 'hs_object_id':
    case 'hs_ticket_id':
      return String(ticket.id)
    case 'hs_is_closed':
      return portal.closedStages.has(portal.tickets.value(ticket, 'hs_pipeline_stage') ?? '')
        ? 'true'
        : 'false'
    case 'hs_is_visible_in_help_desk':
      return 'true'
    case 'hs_helpdesk_sort_timestamp':
      return instant(ticket.createdAt)
    case 'hs_all_owner_ids':
      return portal.tickets.value(ticket, 'hubspot_owner_id')
    default:
      return isReadTime(portal.definitions.get(name))
        ? readTimeValue(portal, ticket, name)
        : portal.tickets.value(ticket, name)
  }
}

// A name without a definition is dropped without a word.
export function shapeOf(portal: Portal, wanted: Wanted, source: Source): Shape {
  const names = wanted.properties.length > 0 ? [...wanted.properties, ...ALWAYS] : DEFAULTS
  return { names: known(portal, [...names, ...wanted.history]), history: wanted.history, source }
}

function known(portal: Portal, names: readonly string[]): string[] {
  const defined = (name: string) => isDefined(portal.definitions.get(name), portal.quirks)
  return [...new Set(names)].filter(defined).sort()
}

// All but those that differ each time they are asked for.
export function allProperties(portal: Portal, ticket: Ticket): Record<string, string> {
  const all: Record<string, string> = {}
  for (const name of portal.definitionNames()) {
    if (isReadTime(portal.definitions.get(name))) continue
    const value = propertyValue(portal, ticket, name)
    if (value !== undefined) all[name] = value
  }
  return all
}

export function showTicket(
  portal: Portal,
  quirks: Quirks,
  ticket: Ticket,
  { names, history, source }: Shape,
): Record<string, unknown> {
  const createdAt = instant(ticket.createdAt)
  const updatedAt = ticket.updatedAt === ticket.createdAt ? createdAt : instant(ticket.updatedAt)
  const properties: Record<string, string | null> = {}
  for (const name of names) {
    const value = shownValue(portal, quirks, ticket, name, source)
    // Defined but empty is null, or absent by switch.
    if (value !== undefined) properties[name] = value
    else if (!quirks.absent_empty_properties) properties[name] = null
  }
  const shown: Record<string, unknown> = { id: String(ticket.id), properties }
  if (history.length > 0) shown.propertiesWithHistory = showHistory(portal, ticket, history)
  shown.createdAt = createdAt
  shown.updatedAt = updatedAt
  shown.archived = ticket.archivedAt !== null
  if (ticket.archivedAt !== null) shown.archivedAt = instant(ticket.archivedAt)
  shown.url = `https://${portal.ui_domain}/contacts/${portal.portal_id}/record/0-5/${ticket.id}`
  return shown
}

// Whether a search computes what is computed at read time, and which answers show a cleared value as '', is undocumented: switches.
function shownValue(portal: Portal, quirks: Quirks, ticket: Ticket, name: string, source: Source) {
  if (source === 'search' && !quirks.search_read_time && isReadTime(portal.definitions.get(name)))
    return undefined
  const emptyIn = quirks.cleared_values === 'empty_in_list' ? 'list' : 'search'
  if (ticket.own[name] === null && quirks.cleared_values !== 'null' && source === emptyIn) return ''
  return propertyValue(portal, ticket, name)
}

export function showWritten(
  portal: Portal,
  quirks: Quirks,
  ticket: Ticket,
  given: readonly string[],
): Record<string, unknown> {
  const names = known(portal, [...AFTER_WRITE, ...given])
  // In what was recorded nothing is null: what has no value is left out.
  const withoutNulls = quirks.written_answer === 'set' ? { ...quirks, absent_empty_properties: true } : quirks
  return showTicket(portal, withoutNulls, ticket, { names, history: [], source: 'ids' })
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
