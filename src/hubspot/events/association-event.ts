/**
 * Finds which end of an association event is a ticket. Pure. The fields are those of HubSpot's
 * guide to generic webhook subscriptions: from/to ids and type ids; classic events name the pair
 * instead (`TICKET_TO_CONTACT`).
 */
import { ticketTypeId } from '../record-ids.ts'

/** One end of an association. */
export interface AssociationEnd {
  typeId: string | undefined
  id: string | undefined
}

/** @returns undefined where neither the type id nor the name says it */
function isTicket({ typeId }: AssociationEnd, name: string | undefined): boolean | undefined {
  if (typeId !== undefined && /^\d+-\d+$/.test(typeId)) return typeId === ticketTypeId
  return name?.includes('TICKET')
}

/**
 * The tickets of an association event, in either direction; for an association between two tickets,
 * both.
 *
 * Where the event does not say what its ends are, returns both ids. Reading the associations of an
 * id that is not a ticket finds nothing, while a ticket that is not read would keep outdated
 * associations.
 *
 * @param name such as TICKET_TO_CONTACT, if the event has one
 * @returns undefined when neither end is a ticket; empty when the event has no ids
 */
export function ticketsAmong(
  from: AssociationEnd,
  to: AssociationEnd,
  name: string | undefined,
): string[] | undefined {
  if (from.id === undefined && to.id === undefined) return []
  // A name in another format says nothing.
  const [fromName, toName] = name?.toUpperCase().split('_TO_') ?? []
  const ends = [
    { id: from.id, is: isTicket(from, toName && fromName) },
    { id: to.id, is: isTicket(to, toName) },
  ]
  const idsWhere = (fits: (is: boolean | undefined) => boolean) =>
    ends.flatMap(({ id, is }) => (id !== undefined && fits(is) ? [id] : []))
  const tickets = idsWhere((is) => is === true)
  const possible = idsWhere((is) => is === undefined)
  return [tickets, possible].find((ids) => ids.length > 0)
}
