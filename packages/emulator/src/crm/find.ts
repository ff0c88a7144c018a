// The one ticket that a path names.
import type { AccountCall } from '../http/call.ts'
import { invalid, objectNotFound, Refusal } from '../http/reply.ts'
import { survivorOf } from './merge.ts'
import type { Ticket } from './tickets.ts'

// An archived ticket is found only by who asks for archived ones, and a live one only by who does not.
export function findTicket(call: AccountCall, archived: boolean): Ticket {
  const id = call.params.id ?? ''
  const idProperty = call.query.get('idProperty')
  if (idProperty && idProperty !== 'hs_object_id') {
    invalid(`idProperty ${idProperty} is not a unique property of TICKET`, {
      context: { idProperty: [idProperty] },
    })
  }
  const asked = /^\d{1,15}$/.test(id) ? call.portal.tickets.get(Number(id)) : null
  const ticket = asked && stoodFor(call, asked, archived)
  if (!ticket || (ticket.archivedAt !== null) !== archived) throw new Refusal(objectNotFound(id))
  return ticket
}

// Whether the id of a merged ticket answers with the survivor, whose id is another, is undocumented: a switch.
function stoodFor({ portal, world }: AccountCall, ticket: Ticket, archived: boolean): Ticket | null {
  if (ticket.mergedInto === null) return ticket
  if (archived && world.quirks.archived_list_has_merged) return ticket
  return world.quirks.get_merged === 'survivor' ? survivorOf(portal, ticket) : null
}
