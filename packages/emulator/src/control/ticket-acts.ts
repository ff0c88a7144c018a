// Control acts on the tickets of an account: their life, their associations, the truth about them.
import type { TicketChange } from '../crm/acts.ts'
import type { Selection } from '../crm/choose.ts'
import type { AssociationChange } from '../crm/settings-acts.ts'
import { type Input, missing, numberOf, portalId, type Request, type Row } from './table.ts'

export const TICKET_ACTS: readonly Row[] = [
  [
    'POST',
    '/portals/:/tickets',
    (request) => ({ ids: request.world.addTickets(portalId(request), request.body) }),
  ],
  [
    'PATCH',
    '/portals/:/tickets',
    (request) => ({ ids: request.world.changeTickets(portalId(request), request.body as TicketChange) }),
  ],
  ['DELETE', '/portals/:/tickets', (request) => ({ ids: removeTickets(request, request.body) })],
  [
    'GET',
    '/portals/:/tickets/:',
    (request) => request.world.ticket(portalId(request), request.params[1] ?? '') ?? missing('ticket'),
  ],
  [
    'PATCH',
    '/portals/:/tickets/:',
    (request) => {
      const id = request.params[1] ?? ''
      request.world.changeTickets(portalId(request), { ...(request.body as TicketChange), ids: [id] })
      return request.world.ticket(portalId(request), id)
    },
  ],
  [
    'DELETE',
    '/portals/:/tickets/:',
    (request) => ({
      ids: removeTickets(request, { ...request.body, ids: [request.params[1] ?? ''] }),
    }),
  ],
  [
    'GET',
    '/portals/:/truth',
    (request) => {
      const { query } = request
      const after = query.get('after')
      const limit = numberOf(query.get('limit'))
      return request.world.truth(portalId(request), {
        archived: query.get('archived') === 'true',
        ...(after ? { after } : {}),
        ...(limit ? { limit } : {}),
      })
    },
  ],
  [
    'POST',
    '/portals/:/tickets/restore',
    (request) => ({ ids: request.world.restoreTickets(portalId(request), request.body as Selection) }),
  ],
  [
    'POST',
    '/portals/:/tickets/merge',
    (request) => {
      const { primary, loser, at } = request.body as { primary: string; loser: string; at?: number }
      return request.world.mergeTickets(portalId(request), { primary, loser, ...(at ? { at } : {}) })
    },
  ],
  [
    'POST',
    '/portals/:/associations',
    (request) => request.world.changeAssociation(portalId(request), request.body as AssociationChange),
  ],
  [
    'POST',
    '/portals/:/cursors/void',
    (request) => {
      request.world.voidCursors(portalId(request))
      return { void: true }
    },
  ],
]

// Archived as HubSpot does it when somebody deletes, or gone for good.
function removeTickets(request: Request, body: Input): string[] {
  const { world } = request
  return body.permanent === true
    ? world.deleteTickets(portalId(request), body as Selection)
    : world.archiveTickets(portalId(request), body as Selection)
}
