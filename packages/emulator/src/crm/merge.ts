// Merging: two tickets become a third with an id of its own, and both originals point at it.
import type { Portal } from '../portals.ts'
import type { Ticket } from './tickets.ts'
import { archiveTicket } from './write.ts'

// The survivor has the first one's values, the older create date, and the ids of everything that went into it.
export function mergeTickets(portal: Portal, primary: Ticket, loser: Ticket, now: number): Ticket {
  const { tickets, associations } = portal
  const generated = primary.place === null ? {} : tickets.generated.properties(primary.place)
  const earlier = [primary, loser].flatMap((one) =>
    (tickets.value(one, 'hs_merged_object_ids') ?? '').split(';').filter((id) => id !== ''),
  )
  const ids = [...new Set([String(primary.id), String(loser.id), ...earlier])]
  const own: Record<string, string | null> = { ...generated, ...primary.own }
  // A new record has no generated value that a null would have to cover.
  for (const [name, value] of Object.entries(own)) if (value === null) delete own[name]
  own.hs_merged_object_ids = ids.join(';')
  const survivor = tickets.add({
    createdAt: Math.min(primary.createdAt, loser.createdAt),
    updatedAt: now,
    own,
  })
  associations.merge(survivor, primary, loser)
  for (const one of [primary, loser]) archiveTicket(portal, one, now, survivor.id)
  portal.emitter.emit?.(portal.portal_id, {
    kind: 'merged',
    primary: primary.id,
    merged: [loser.id],
    into: survivor.id,
    survivor,
    at: now,
  })
  return survivor
}

// What an old id stands for: the end of the chain of merges.
export function survivorOf(portal: Portal, ticket: Ticket): Ticket | null {
  let found: Ticket | null = ticket
  while (found && found.mergedInto !== null) found = portal.tickets.get(found.mergedInto)
  return found
}
