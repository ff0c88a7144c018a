/** HubSpot's webhook events, as far as they say which tickets to read again. Pure; their values are not even looked at. */
import { z } from 'zod'

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

/** HubSpot counts objects and accounts in numbers; a larger one has lost digits on the way through JSON. */
const count = z.number().int().positive().max(Number.MAX_SAFE_INTEGER)
/** Up to the year 9999, which is as far as a written date goes. */
const time = count.max(253_402_300_799_999)
const id = z.union([count, z.string().regex(/^\d{1,20}$/)]).transform(String)

/** Fields as in HubSpot's webhooks guide. Its payloads say `subscriptionType` and its table says `eventType`. */
const event = z.object({
  subscriptionType: z.string().optional(),
  eventType: z.string().optional(),
  portalId: count,
  appId: count.optional(),
  occurredAt: time,
  objectId: id.optional(),
  objectTypeId: z.string().optional(),
  primaryObjectId: id.optional(),
  mergedObjectIds: z.array(id).max(1_000).optional(),
  newObjectId: id.optional(),
  associationType: z.string().optional(),
  fromObjectId: id.optional(),
  toObjectId: id.optional(),
})

type Event = z.infer<typeof event>

/** HubSpot's own type id of tickets. */
const ticketTypeId = '0-5'

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
