/**
 * Parses a webhooks journal file for the tickets to read again and the accounts that uninstalled
 * our app. Pure.
 */
import { z } from 'zod'
import { accountId, eventTime, optionalField, recordId, recordIds, ticketTypeId } from '../record-ids.ts'
import { ticketsAmong } from './association-event.ts'
import type { TicketChange, TicketChangeType } from './webhook-event.ts'

/** HubSpot's event type for an uninstall of our app. */
export const uninstalledType = '4-1916193'

/** Events of one file, sorted by kind. */
export interface JournalEvents {
  changes: TicketChange[]
  /** Accounts that uninstalled our app, without duplicates. */
  uninstalled: number[]
  /** Events about other objects, or of a kind that says nothing about a ticket. */
  otherKind: number
  /** Events with a required field missing or of another type. */
  malformed: number
}

const actions = new Map<string, TicketChangeType>([
  ['CREATE', 'creation'],
  ['UPDATE', 'propertyChange'],
  ['DELETE', 'deletion'],
  ['GDPR_DELETE', 'deletion'],
  ['MERGE', 'merge'],
  ['RESTORE', 'restore'],
  ['ASSOCIATION_ADDED', 'associationChange'],
  ['ASSOCIATION_REMOVED', 'associationChange'],
])

/**
 * HubSpot documents few of the fields. Associations were seen with from and to; the `associated…`
 * names come from its specification.
 */
const event = z.object({
  portalId: accountId,
  occurredAt: optionalField(eventTime),
  action: optionalField(z.string()),
  eventTypeId: optionalField(z.string()),
  objectTypeId: optionalField(z.string()),
  objectId: optionalField(recordId),
  associatedObjectTypeId: optionalField(z.string()),
  associatedObjectId: optionalField(recordId),
  associationType: optionalField(z.string()),
  fromObjectId: optionalField(recordId),
  fromObjectTypeId: optionalField(z.string()),
  toObjectId: optionalField(recordId),
  toObjectTypeId: optionalField(z.string()),
  primaryObjectId: optionalField(recordId),
  mergedObjectIds: optionalField(recordIds),
  newObjectId: optionalField(recordId),
})

type Event = z.infer<typeof event>

const isUninstall = ({ action, eventTypeId }: Event) =>
  action === 'APP_UNINSTALL' || eventTypeId === uninstalledType

const associationTickets = (event: Event) =>
  ticketsAmong(
    { typeId: event.fromObjectTypeId ?? event.objectTypeId, id: event.fromObjectId ?? event.objectId },
    {
      typeId: event.toObjectTypeId ?? event.associatedObjectTypeId,
      id: event.toObjectId ?? event.associatedObjectId,
    },
    event.associationType,
  )

/**
 * @returns undefined for an event about no ticket; empty when it is about a ticket but names none
 */
function ticketIdsOf(event: Event, type: TicketChangeType): string[] | undefined {
  if (type === 'associationChange') return associationTickets(event)
  const { objectTypeId, objectId, primaryObjectId, mergedObjectIds = [], newObjectId } = event
  if (objectTypeId !== ticketTypeId) return undefined
  const ids = type === 'merge' ? [objectId, primaryObjectId, ...mergedObjectIds, newObjectId] : [objectId]
  return ids.filter((one) => one !== undefined)
}

const file = z.object({ journalEvents: z.array(z.unknown()) })

/**
 * @param nowMs used where HubSpot gives no time
 * @returns undefined when the body is not a journal file
 */
export function readJournalFile(body: unknown, nowMs: number): JournalEvents | undefined {
  const read = file.safeParse(body)
  if (!read.success) return undefined
  const events: JournalEvents = { changes: [], uninstalled: [], otherKind: 0, malformed: 0 }
  const uninstalled = new Set<number>()
  for (const given of read.data.journalEvents) {
    const { data, success } = event.safeParse(given)
    if (!success) {
      events.malformed += 1
      continue
    }
    if (isUninstall(data)) {
      uninstalled.add(data.portalId)
      continue
    }
    const type = actions.get(data.action ?? '')
    const ticketIds = type && ticketIdsOf(data, type)
    if (!type || !ticketIds) {
      events.otherKind += 1
      continue
    }
    const { portalId: hubId, occurredAt = nowMs } = data
    if (ticketIds.length === 0) events.malformed += 1
    else events.changes.push({ hubId, type, ticketIds: [...new Set(ticketIds)], occurredAt })
  }
  return { ...events, uninstalled: [...uninstalled] }
}
