// Which tickets an act of the control API is about: given ids, or so many of them.
import type { Portal } from '../portals.ts'
import { hash } from '../random.ts'
import type { Ticket } from './tickets.ts'

export type Selection = { ids?: (string | number)[]; count?: number; pick?: 'random' | 'first' | 'last' }

export function chooseLive(
  portal: Portal,
  { ids, count, pick = 'random' }: Selection,
  turn: number,
): Ticket[] {
  const { tickets } = portal
  if (ids) {
    return ids.map((id) => {
      const ticket = tickets.get(Number(id))
      if (!ticket || ticket.archivedAt !== null) throw new Error(`there is no live ticket ${id}`)
      return ticket
    })
  }
  const wanted = Math.min(count ?? 1, tickets.live())
  const chosen: Ticket[] = []
  const size = tickets.size()
  const start = pick === 'random' ? hash(portal.portal_id, turn, size) % Math.max(1, size) : 0
  // From a random start in odd steps: every ticket is met once, without a list of all.
  const step = pick === 'random' ? coprimeStep(size, hash(turn, size)) : 1
  for (let i = 0; i < size && chosen.length < wanted; i++) {
    const place = pick === 'last' ? size - 1 - i : (start + i * step) % size
    const ticket = tickets.get(tickets.idOf(place))
    if (ticket && ticket.archivedAt === null) chosen.push(ticket)
  }
  return chosen
}

// Archived ones that can come back: a merge cannot be undone.
export function chooseArchived(
  portal: Portal,
  { ids, count, pick = 'random' }: Selection,
  turn: number,
): Ticket[] {
  if (ids) {
    return ids.map((id) => {
      const ticket = portal.tickets.get(Number(id))
      if (!ticket || ticket.archivedAt === null) throw new Error(`there is no archived ticket ${id}`)
      if (ticket.mergedInto !== null) throw new Error(`ticket ${id} was merged and cannot be restored`)
      return ticket
    })
  }
  const [all] = portal.tickets.archivedPage(null, Number.POSITIVE_INFINITY, false, false)
  if (pick === 'random') all.sort((a, b) => hash(a.id, turn) - hash(b.id, turn))
  if (pick === 'last') all.reverse()
  return all.slice(0, count ?? 1)
}

function coprimeStep(size: number, from: number): number {
  const divisor = (a: number, b: number): number => (b === 0 ? a : divisor(b, a % b))
  let step = (from % Math.max(1, size)) + 1
  while (size > 1 && divisor(step, size) !== 1) step += 1
  return step
}
