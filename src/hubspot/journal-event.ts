/** A file of the webhooks journal, as far as it says which tickets to read again and who has uninstalled our app. Pure. */
import { z } from 'zod'
import { accountId, epochMs, recordId, ticketTypeId } from './ids.ts'
import type { ChangeType, TicketChange } from './webhook-event.ts'

/** HubSpot's type of the event that our app was uninstalled. */
export const uninstalledType = '4-1916193'

/** Events of one file, sorted. */
export interface JournalEvents {
  changes: TicketChange[]
  /** Accounts that uninstalled our app; none twice. */
  uninstalled: number[]
  /** Of other objects, or of a kind that says nothing about a ticket. */
  otherKind: number
  /** A field that must be there is missing or of another type. */
  malformed: number
}

const actions = new Map<string, ChangeType>([
  ['CREATE', 'creation'],
  ['UPDATE', 'propertyChange'],
  ['DELETE', 'deletion'],
  ['GDPR_DELETE', 'deletion'],
  ['MERGE', 'merge'],
  ['RESTORE', 'restore'],
  ['ASSOCIATION_ADDED', 'associationChange'],
  ['ASSOCIATION_REMOVED', 'associationChange'],
])

/** As text in what was seen, or as a number where webhooks have one. */
const time = z
  .union([z.number(), z.string().transform((text) => (/^\d+$/.test(text) ? Number(text) : Date.parse(text)))])
  .pipe(epochMs)

/** HubSpot documents few of the fields: one that is not what we take it for is none, and does not take the others with it. */
const maybe = <T>(shape: z.ZodType<T>) => shape.optional().catch(undefined)

const event = z.object({
  portalId: z.union([
    accountId,
    z
      .string()
      .regex(/^\d{1,15}$/)
      .transform(Number),
  ]),
  occurredAt: maybe(time),
  action: maybe(z.string()),
  eventTypeId: maybe(z.string()),
  objectTypeId: maybe(z.string()),
  objectId: maybe(recordId),
  associatedObjectTypeId: maybe(z.string()),
  associatedObjectId: maybe(recordId),
  primaryObjectId: maybe(recordId),
  mergedObjectIds: maybe(z.array(recordId)),
  newObjectId: maybe(recordId),
})

type Event = z.infer<typeof event>

const isUninstall = ({ action, eventTypeId }: Event) =>
  action === 'APP_UNINSTALL' || eventTypeId === uninstalledType

/** @returns undefined for what is about no ticket */
function typeOf({ action = '', objectTypeId, associatedObjectTypeId }: Event): ChangeType | undefined {
  const type = actions.get(action)
  const ends = type === 'associationChange' ? [objectTypeId, associatedObjectTypeId] : [objectTypeId]
  return ends.includes(ticketTypeId) ? type : undefined
}

function ticketIdsOf(event: Event, type: ChangeType): string[] {
  const ids =
    type === 'merge'
      ? [event.objectId, event.primaryObjectId, ...(event.mergedObjectIds ?? []), event.newObjectId]
      : [
          event.objectTypeId === ticketTypeId ? event.objectId : undefined,
          type === 'associationChange' && event.associatedObjectTypeId === ticketTypeId
            ? event.associatedObjectId
            : undefined,
        ]
  return [...new Set(ids.filter((one) => one !== undefined))]
}

const file = z.object({ journalEvents: z.array(z.unknown()) })

/**
 * @param nowMs stands for a time that HubSpot does not say
 * @returns undefined when it is no such file
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
    const type = typeOf(data)
    if (!type) {
      events.otherKind += 1
      continue
    }
    const { portalId, occurredAt = nowMs } = data
    const ticketIds = ticketIdsOf(data, type)
    if (ticketIds.length === 0) events.malformed += 1
    else events.changes.push({ portalId, type, ticketIds, occurredAt })
  }
  return { ...events, uninstalled: [...uninstalled] }
}
