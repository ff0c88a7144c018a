// Which properties differ between two states of a ticket, those that HubSpot computes among them.
import type { Portal } from '../portals.ts'
import { isReadTime } from './read-time-definitions.ts'
import { propertyValue } from './show.ts'
import type { Ticket } from './tickets.ts'

// These follow from others, or are the record's own, and stand in no list of values.
const DERIVED = ['createdate', 'hs_createdate', 'hs_lastmodifieddate', 'hs_is_closed', 'hs_all_owner_ids']
const BORN_WITH = ['hs_object_id', 'hs_ticket_id', 'hs_is_visible_in_help_desk', 'hs_helpdesk_sort_timestamp']

/** Name and new value, empty where it was cleared, of what changed; of everything that has a value when there was nothing before. */
export function differences(portal: Portal, before: Ticket | null, after: Ticket): Map<string, string> {
  const names = [...Object.keys(after.own), ...Object.keys(before?.own ?? {}), ...DERIVED]
  if (before === null) names.push(...BORN_WITH)
  const found = new Map<string, string>()
  for (const name of names) {
    const definition = portal.definitions.get(name)
    if (found.has(name) || definition?.archived !== false || isReadTime(definition)) continue
    const value = propertyValue(portal, after, name) ?? ''
    if (value !== (before ? (propertyValue(portal, before, name) ?? '') : '')) found.set(name, value)
  }
  return found
}
