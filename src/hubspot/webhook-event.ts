/** HubSpot's webhook events, as far as they say which tickets to read again. Pure; their values are not even looked at. */
import { z } from 'zod'
import { accountId, epochMs, recordId, ticketTypeId } from './ids.ts'

export const changeTypes = [
  'creation',
  'propertyChange',
  'deletion',
  'merge',
  'restore',
  'associationChange',
] as const

export type ChangeType = (typeof changeTypes)[number]

/** What one event is about. */
export interface TicketChange {
  portalId: number
  type: ChangeType
  /** More than one of a merge, and of a link between two tickets. None twice. */
  ticketIds: string[]
  /** HubSpot's clock, epoch ms. */
  occurredAt: number
}

/** Events of one delivery, sorted. */
export interface Delivery {
  changes: TicketChange[]
  /** Of other objects, or of a type that says nothing about a ticket. */
  otherKind: number
  /** Sent for another app than ours. */
  otherApp: number
  /** A field that must be there is missing or of another type. */
  malformed: number
}

/** Fields as in HubSpot's webhooks guide. Its payloads say `subscriptionType` and its table says `eventType`. */
const event = z.object({
  subscriptionType: z.string().optional(),
  eventType: z.string().optional(),
  portalId: accountId,
  appId: accountId.optional(),
  occurredAt: epochMs,
  objectId: recordId.optional(),
  objectTypeId: z.string().optional(),
  primaryObjectId: recordId.optional(),
  mergedObjectIds: z.array(recordId).max(1_000).optional(),
  newObjectId: recordId.optional(),
  associationType: z.string().optional(),
  fromObjectId: recordId.optional(),
  toObjectId: recordId.optional(),
})

type Event = z.infer<typeof event>

/** @returns undefined for what is about no ticket */
function typeOf(event: Event): ChangeType | undefined {
  const [of, name] = (event.subscriptionType ?? event.eventType ?? '').split('.')
  const aboutTickets = of === 'ticket' || (of === 'object' && event.objectTypeId === ticketTypeId)
  return aboutTickets ? changeTypes.find((type) => type === name) : undefined
}

/** A link is told from both ends; which end is the ticket is in its name: TICKET_TO_CONTACT, CONTACT_TO_TICKET. */
function linked({ associationType = '', objectId, fromObjectId, toObjectId }: Event) {
  const ends = [
    /^TICKET_TO_/.test(associationType) ? fromObjectId : undefined,
    /_TO_TICKET$/.test(associationType) ? toObjectId : undefined,
  ]
  // A name that says neither is one that we do not know: then whatever may be a ticket is.
  return ends.some((end) => end !== undefined) ? ends : [objectId ?? fromObjectId]
}

function ticketIdsOf(event: Event, type: ChangeType): string[] {
  const { objectId, primaryObjectId, mergedObjectIds = [], newObjectId } = event
  const ids =
    type === 'merge'
      ? [objectId, primaryObjectId, ...mergedObjectIds, newObjectId]
      : type === 'associationChange'
        ? linked(event)
        : [objectId]
  return [...new Set(ids.filter((one) => one !== undefined))]
}

/**
 * Sorts the events of one delivery: HubSpot's JSON array of up to 100, of any types and accounts.
 *
 * @param ourApp our app's id at HubSpot
 * @returns undefined when the body is no array
 */
export function readDelivery(body: unknown, ourApp: number): Delivery | undefined {
  if (!Array.isArray(body)) return undefined
  const delivery: Delivery = { changes: [], otherKind: 0, otherApp: 0, malformed: 0 }
  for (const given of body) {
    const { data, success } = event.safeParse(given)
    if (!success || (data.subscriptionType ?? data.eventType) === undefined) {
      delivery.malformed += 1
      continue
    }
    if (data.appId !== ourApp) {
      delivery.otherApp += 1
      continue
    }
    const type = typeOf(data)
    if (!type) {
      delivery.otherKind += 1
      continue
    }
    const ticketIds = ticketIdsOf(data, type)
    if (ticketIds.length === 0) delivery.malformed += 1
    else delivery.changes.push({ portalId: data.portalId, type, ticketIds, occurredAt: data.occurredAt })
  }
  return delivery
}
