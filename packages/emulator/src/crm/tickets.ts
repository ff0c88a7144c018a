// The tickets of one portal as they are now: generated ones, what was changed, what was made since, what was archived
// or permanently deleted.
import { hash } from '../random.ts'
import type { Generated } from './generated.ts'
import { createIdOrder, firstNotBelow } from './id-order.ts'

export type Ticket = {
  id: number
  createdAt: number
  updatedAt: number
  archivedAt: number | null
  mergedInto: number | null
  // Its place among the generated tickets, whose values are computed when they are read; null for one made later.
  place: number | null
  // Values that differ from the generated ones; null where a generated one was cleared.
  own: Readonly<Record<string, string | null>>
}

export type Listener = (id: number, ticket: Ticket | null, before: Ticket | null) => void

export type Tickets = ReturnType<typeof createTickets>

const NOTHING: Ticket['own'] = {}

export function createTickets(generated: Generated, seed: number, firstId: number) {
  // Never changed in place: a new object replaces the old one, so that the search index may keep the old one.
  const changed = new Map<number, Ticket>()
  const created: number[] = []
  const removed = new Set<number>()
  const archived = createIdOrder()
  const listeners: Listener[] = []
  let textOrder: { at: number; ids: string[] } | null = null

  function get(id: number): Ticket | null {
    const kept = changed.get(id)
    if (kept) return kept
    const place = generated.indexOf(id)
    if (place < 0 || removed.has(id)) return null
    return {
      id,
      createdAt: generated.createdAt(place),
      updatedAt: generated.updatedAt(place),
      archivedAt: null,
      mergedInto: null,
      place,
      own: NOTHING,
    }
  }

  function value(ticket: Ticket, name: string): string | undefined {
    const own = ticket.own[name]
    if (own !== undefined) return own ?? undefined
    return ticket.place === null ? undefined : generated.value(ticket.place, name)
  }

  function put(ticket: Ticket): void {
    const before = get(ticket.id)
    if (ticket.archivedAt === null) archived.remove(ticket.id)
    else archived.add(ticket.id)
    changed.set(ticket.id, ticket)
    for (const tell of listeners) tell(ticket.id, ticket, before)
  }

  // Permanently: the id is known no more, neither live nor archived, and is never given again.
  function remove(id: number): void {
    const before = get(id)
    if (!before) return
    archived.remove(id)
    changed.delete(id)
    removed.add(id)
    for (const tell of listeners) tell(id, null, before)
  }

  const lastId = () => created.at(-1) ?? (generated.count > 0 ? generated.idAt(generated.count - 1) : firstId)

  function add(fields: Pick<Ticket, 'createdAt' | 'updatedAt' | 'own'>): Ticket {
    const previous = lastId()
    const id = previous + 1 + (hash(seed, previous) % 9)
    created.push(id)
    const ticket: Ticket = { ...fields, id, archivedAt: null, mergedInto: null, place: null }
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

  // Live tickets from an id on, in HubSpot's id order, and the id that follows the page.
  function page(from: string | null, limit: number, asText = false): [Ticket[], string | null] {
    const found: Ticket[] = []
    const ids = asText ? inTextOrder() : null
    let position = from === null ? 0 : ids ? firstNotBelow(ids, from) : positionOf(Number(from))
    const end = size()
    for (; position < end; position++) {
      const id = ids ? Number(ids[position]) : idOf(position)
      if (archived.has(id) || removed.has(id)) continue
      if (found.length === limit) return [found, String(id)]
      found.push(get(id) as Ticket)
    }
    return [found, null]
  }

  // The same of archived ones; `merged` says whether those that were merged away are among them.
  function archivedPage(
    from: string | null,
    limit: number,
    asText = false,
    merged = true,
  ): [Ticket[], string | null] {
    const found: Ticket[] = []
    for (const id of archived.from(from, asText)) {
      const ticket = changed.get(id) as Ticket
      if (!merged && ticket.mergedInto !== null) continue
      if (found.length === limit) return [found, String(id)]
      found.push(ticket)
    }
    return [found, null]
  }

  return {
    generated,
    changed,
    created,
    get,
    value,
    put,
    remove,
    add,
    page,
    archivedPage,
    size,
    idOf,
    live: () => size() - archived.count() - removed.size,
    archived: () => archived.count(),
    listen: (tell: Listener) => {
      listeners.push(tell)
    },
  }
}
