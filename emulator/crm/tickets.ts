// The tickets of one portal as they are now: generated ones, what was changed, what was made since, what was archived.
import { hash } from '../random.ts'
import type { Generated } from './generated.ts'

export type Ticket = {
  id: number
  createdAt: number
  updatedAt: number
  archivedAt: number | null
  mergedInto: number | null
  // Only values that are set; ids and times are added when the ticket is shown.
  properties: Readonly<Record<string, string>>
}

export type Tickets = ReturnType<typeof createTickets>

export function createTickets(generated: Generated, seed: number, firstId: number) {
  // Never changed in place: a new object replaces the old one, so that the search index may keep the old one.
  const changed = new Map<number, Ticket>()
  const created: number[] = []
  const listeners: ((ticket: Ticket, before: Ticket | null) => void)[] = []
  let archivedCount = 0
  let textOrder: { at: number; ids: string[] } | null = null

  function fromGenerated(index: number): Ticket {
    return {
      id: generated.idAt(index),
      createdAt: generated.createdAt(index),
      updatedAt: generated.updatedAt(index),
      archivedAt: null,
      mergedInto: null,
      properties: generated.properties(index),
    }
  }

  function get(id: number): Ticket | null {
    const own = changed.get(id)
    if (own) return own
    const index = generated.indexOf(id)
    return index < 0 ? null : fromGenerated(index)
  }

  function put(ticket: Ticket): void {
    const before = get(ticket.id)
    archivedCount += (ticket.archivedAt === null ? 0 : 1) - (before?.archivedAt == null ? 0 : 1)
    changed.set(ticket.id, ticket)
    for (const tell of listeners) tell(ticket, before)
  }

  const lastId = () => created.at(-1) ?? (generated.count > 0 ? generated.idAt(generated.count - 1) : firstId)

  function add(fields: Omit<Ticket, 'id' | 'archivedAt' | 'mergedInto'>): Ticket {
    const previous = lastId()
    const id = previous + 1 + (hash(seed, previous) % 9)
    created.push(id)
    const ticket: Ticket = { ...fields, id, archivedAt: null, mergedInto: null }
    put(ticket)
    return ticket
  }

  const size = () => generated.count + created.length
  const idOf = (position: number) =>
    position < generated.count ? generated.idAt(position) : (created[position - generated.count] as number)

  // The first position whose id is not below the given one.
  function positionOf(id: number): number {
    let low = 0
    let high = size()
    while (low < high) {
      const middle = (low + high) >> 1
      if (idOf(middle) < id) low = middle + 1
      else high = middle
    }
    return low
  }

  function inTextOrder(): string[] {
    if (textOrder?.at !== size()) {
      const ids = Array.from({ length: size() }, (_, i) => String(idOf(i)))
      textOrder = { at: size(), ids: ids.sort((a, b) => (a < b ? -1 : a > b ? 1 : 0)) }
    }
    return textOrder.ids
  }

  // Tickets from an id on, in HubSpot's id order, and the id that follows the page.
  function page(
    from: string | null,
    limit: number,
    archived: boolean,
    asText = false,
  ): [Ticket[], string | null] {
    const found: Ticket[] = []
    const ids = asText ? inTextOrder() : null
    let position = from === null ? 0 : ids ? firstNotBelow(ids, from) : positionOf(Number(from))
    // Nothing was ever archived: do not walk a million tickets to say so.
    if (archived && archivedCount === 0) return [found, null]
    for (; position < size(); position++) {
      const id = ids ? Number(ids[position]) : idOf(position)
      const own = changed.get(id)
      const isArchived = own !== undefined && own.archivedAt !== null
      if (isArchived !== archived) continue
      if (found.length === limit) return [found, String(id)]
      found.push(own ?? (get(id) as Ticket))
    }
    return [found, null]
  }

  return {
    generated,
    changed,
    created,
    get,
    put,
    add,
    page,
    size,
    idOf,
    live: () => size() - archivedCount,
    archived: () => archivedCount,
    listen: (tell: (ticket: Ticket, before: Ticket | null) => void) => {
      listeners.push(tell)
    },
  }
}

function firstNotBelow(sorted: readonly string[], wanted: string): number {
  let low = 0
  let high = sorted.length
  while (low < high) {
    const middle = (low + high) >> 1
    if ((sorted[middle] as string) < wanted) low = middle + 1
    else high = middle
  }
  return low
}
