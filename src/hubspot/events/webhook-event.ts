/**
 * Parses HubSpot's webhook events for the tickets to read again. Pure; the values in them are
 * ignored.
 */
import { z } from 'zod'
import { accountId, eventTime, optionalField, recordId, recordIds, ticketTypeId } from '../record-ids.ts'
import { ticketsAmong } from './association-event.ts'

export const changeTypes = [
  'creation',
  'propertyChange',
  'deletion',
  'merge',
  'restore',
  'associationChange',
] as const

export type TicketChangeType = (typeof changeTypes)[number]

/** What one event is about. */
export interface TicketChange {
  hubId: number
  type: TicketChangeType
  /** More than one for a merge, and for a link between two tickets. No duplicates. */
  ticketIds: string[]
  /** HubSpot's clock, epoch ms. */
  occurredAt: number
}

/** Events of one delivery, sorted by kind. */
export interface InboundDelivery {
  changes: TicketChange[]
  /** Events about other objects, or of a type that says nothing about a ticket. */
  otherKind: number
  /** Events sent for another app. */
  otherApp: number
  /** Events with a required field missing or of another type. */
  malformed: number
}

/**
 * Fields as in HubSpot's webhooks guide. Its payloads say `subscriptionType` and its table says
 * `eventType`.
 */
const event = z.object({
  subscriptionType: optionalField(z.string()),
  eventType: optionalField(z.string()),
  portalId: accountId,
  appId: optionalField(accountId),
  occurredAt: optionalField(eventTime),
  objectId: optionalField(recordId),
  objectTypeId: optionalField(z.string()),
  primaryObjectId: optionalField(recordId),
  mergedObjectIds: optionalField(recordIds),
  newObjectId: optionalField(recordId),
  associationType: optionalField(z.string()),
  fromObjectId: optionalField(recordId),
  fromObjectTypeId: optionalField(z.string()),
  toObjectId: optionalField(recordId),
  toObjectTypeId: optionalField(z.string()),
})

type Event = z.infer<typeof event>

const typeIn = ({ subscriptionType, eventType }: Event) => subscriptionType ?? eventType

/** @returns undefined for an event about no ticket */
function typeOf(event: Event): TicketChangeType | undefined {
  const [of, name] = (typeIn(event) ?? '').split('.')
  const type = changeTypes.find((one) => one === name)
  if (of === 'ticket') return type
  // An association has no object of its own: its ends say whether they are tickets.
  const { objectTypeId = type === 'associationChange' ? ticketTypeId : undefined } = event
  return of === 'object' && objectTypeId === ticketTypeId ? type : undefined
}

/** If an event names no ends, its object is the first. */
const associationTickets = (event: Event) =>
  ticketsAmong(
    { typeId: event.fromObjectTypeId, id: event.fromObjectId ?? event.objectId },
    { typeId: event.toObjectTypeId, id: event.toObjectId },
    event.associationType,
  )

/**
 * @returns undefined for an event about no ticket; empty when it is about a ticket but names none
 */
function ticketIdsOf(event: Event, type: TicketChangeType): string[] | undefined {
  if (type === 'associationChange') return associationTickets(event)
  const { objectId, primaryObjectId, mergedObjectIds = [], newObjectId } = event
  const ids = type === 'merge' ? [objectId, primaryObjectId, ...mergedObjectIds, newObjectId] : [objectId]
  return ids.filter((one) => one !== undefined)
}

/**
 * Sorts the events of one delivery: HubSpot's JSON array of up to 100, of any types and accounts.
 *
 * @param ourApp our app's id at HubSpot
 * @param nowMs used for an event without a time
 * @returns undefined when the body is not an array
 */
export function readDelivery(body: unknown, ourApp: number, nowMs: number): InboundDelivery | undefined {
  if (!Array.isArray(body)) return undefined
  const delivery: InboundDelivery = { changes: [], otherKind: 0, otherApp: 0, malformed: 0 }
  for (const given of body) {
    const { data, success } = event.safeParse(given)
    if (!success || typeIn(data) === undefined) {
      delivery.malformed += 1
      continue
    }
    if (data.appId !== ourApp) {
      delivery.otherApp += 1
      continue
    }
    const type = typeOf(data)
    const ticketIds = type && ticketIdsOf(data, type)
    if (!type || !ticketIds) {
      delivery.otherKind += 1
      continue
    }
    const { portalId: hubId, occurredAt = nowMs } = data
    if (ticketIds.length === 0) delivery.malformed += 1
    else delivery.changes.push({ hubId, type, ticketIds: [...new Set(ticketIds)], occurredAt })
  }
  return delivery
}
