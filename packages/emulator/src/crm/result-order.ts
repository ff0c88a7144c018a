// What a search index may do wrong, each by a switch: gaps, rows that do not belong there, rows out of order, a total
// that is a little off. Everything follows from the query, so that the pages of one query fit together.
import type { Portal } from '../portals.ts'
import { hash } from '../random.ts'
import { fitsTicket, passesOf, type Query } from './matches.ts'
import type { Sort } from './sorting.ts'

// short_pages: the index counts entries that are dropped from the page they fall on, among them runs long enough that
// a whole page is empty and still has a next cursor. They lie before the same tickets in every query, as entries of
// an index do: one that begins further on meets fewer of them.
export function withGaps(ids: readonly (number | null)[]): (number | null)[] {
  const all: (number | null)[] = []
  for (const id of ids) {
    const roll = id === null ? 1 : hash(id, 1)
    if (roll % 200 === 0) for (let k = 0; k < 400; k++) all.push(null)
    else if (roll % 3 === 0) all.push(null)
    all.push(id)
  }
  return all
}

// search_outside: tickets that fit everything but the bounds of the modified time, as when the index holds an old one.
export function outsiders(portal: Portal, query: Query, found: number, roll: number): number[] {
  const timed = query.filters.filter((group) => group.some((one) => one.fast === 'updatedAt'))
  if (timed.length === 0) return []
  const strict = passesOf(query)
  const filters = timed.map((group) => group.filter((one) => one.fast !== 'updatedAt'))
  const loose = passesOf({ ...query, filters })
  const { tickets, index } = portal
  const wanted = 1 + Math.floor(found / 300)
  const size = tickets.size()
  const chosen: number[] = []
  // Some tries are enough: an index is not wrong on every page.
  for (let i = 0; i < Math.min(size, 500) && chosen.length < wanted; i++) {
    const id = tickets.idOf((roll + i * 37) % size)
    const entry = index.shown.get(id)
    const ticket = entry ? entry.ticket : tickets.get(id)
    if (!ticket || chosen.includes(id)) continue
    if (fitsTicket(portal, ticket, loose) && !fitsTicket(portal, ticket, strict)) chosen.push(id)
  }
  return chosen
}

// A record id never goes stale, so in the order of ids they stand where they belong; in any other order anywhere.
export function withOutsiders(
  ids: readonly number[],
  outside: readonly number[],
  sort: Sort,
  order: (ids: number[]) => number[],
  roll: number,
): number[] {
  if (sort.name === 'hs_object_id' || sort.name === 'hs_ticket_id') return order([...ids, ...outside])
  const all = [...ids]
  for (const [i, id] of outside.entries()) all.splice(hash(roll, i) % (all.length + 1), 0, id)
  return all
}

// search_order: the right rows of a page, in no order.
export function shuffled(page: readonly number[], after: number): number[] {
  return [...page].sort((a, b) => hash(a, after) - hash(b, after))
}

// search_total: up to three too few or too many, never right; nothing found stays nothing.
export function wobbly(total: number, roll: number): number {
  if (total === 0) return 0
  const off = 1 + (roll % 3)
  return roll & 8 && total > off ? total - off : total + off
}
