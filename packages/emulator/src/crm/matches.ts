// Which tickets of the index fit a query. Where the query bounds the id or a modified time, only those are looked at.
import type { Portal } from '../portals.ts'
import type { Columns } from './columns.ts'
import type { Fast, Range, Test } from './filters.ts'
import { firstNotBelow } from './id-order.ts'
import { tokensOf } from './operators.ts'
import { propertyValue } from './show.ts'
import type { Ticket } from './tickets.ts'

export type Query = { filters: readonly Test[][]; query: string }
export type Passes = (
  numberOf: (fast: Fast) => number,
  textOf: (name: string) => string | undefined,
) => boolean

const SEARCHABLE = ['subject', 'content', 'hs_pipeline_stage', 'hs_ticket_category', 'hs_ticket_id']

export function matches(portal: Portal, query: Query): number[] {
  const { shown } = portal.index
  const ids: number[] = []
  const passes = passesOf(query)
  const columns = portal.columns()
  const look = (place: number) => {
    const id = columns.id[place] as number
    if ((shown.size === 0 || !shown.has(id)) && fitsGenerated(portal, columns, place, passes)) ids.push(id)
  }
  const { filters } = query
  const only = filters.length === 1 ? (filters[0] as Test[]) : []
  const [lowId, highId] = boundsOf(only, 'id')
  const [low, high] = boundsOf(only, 'updatedAt')
  const [firstId, endId] = placesIn(columns.id, lowId, highId)
  const [first, end] = placesIn(columns.updatedSorted, low, high)
  if (endId - firstId <= end - first) for (let place = firstId; place < endId; place++) look(place)
  else for (let i = first; i < end; i++) look(columns.byUpdated[i] as number)
  for (const { ticket } of shown.values()) {
    if (ticket === null || ticket.updatedAt < low || ticket.updatedAt > high) continue
    if (ticket.id >= lowId && ticket.id <= highId && fitsTicket(portal, ticket, passes)) ids.push(ticket.id)
  }
  return ids
}

export function passesOf({ filters, query }: Query): Passes {
  const words = tokensOf(query, false)
  // The numbers first: they are at hand.
  const groups = filters.map((group) => ({
    fast: group.filter((one) => one.fast !== null),
    slow: group.filter((one) => one.fast === null),
  }))
  return (numberOf, textOf) => {
    const inGroups =
      groups.length === 0 ||
      groups.some(
        ({ fast, slow }) =>
          fast.every((one) => one.test(numberOf(one.fast))) &&
          slow.every((one) => one.test(textOf(one.name))),
      )
    return inGroups && (words.length === 0 || matchesQuery(words, textOf))
  }
}

export function fitsTicket(portal: Portal, ticket: Ticket, passes: Passes): boolean {
  return passes(
    (fast) => ticket[fast],
    (name) => propertyValue(portal, ticket, name),
  )
}

function fitsGenerated(portal: Portal, columns: Columns, place: number, passes: Passes): boolean {
  return passes(
    (fast) => columns[fast][place] as number,
    (name) =>
      portal.tickets.generated.value(place, name) ??
      propertyValue(portal, generatedTicket(columns, place), name),
  )
}

function generatedTicket({ id, createdAt, updatedAt }: Columns, place: number): Ticket {
  return {
    id: id[place] as number,
    createdAt: createdAt[place] as number,
    updatedAt: updatedAt[place] as number,
    archivedAt: null,
    mergedInto: null,
    place,
    own: {},
  }
}

function boundsOf(group: readonly Test[], wanted: Fast): Range {
  let [low, high] = [Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY]
  for (const one of group) {
    if (one.fast !== wanted || one.range === null) continue
    low = Math.max(low, one.range[0])
    high = Math.min(high, one.range[1])
  }
  return [low, high]
}

// From the first place inside the bounds to the first behind them.
function placesIn(sorted: Float64Array, low: number, high: number): [number, number] {
  const first = firstNotBelow(sorted, low)
  let end = high === Number.POSITIVE_INFINITY ? sorted.length : firstNotBelow(sorted, high)
  while (end < sorted.length && sorted[end] === high) end += 1
  return [first, Math.max(first, end)]
}

function matchesQuery(words: readonly string[], textOf: (name: string) => string | undefined): boolean {
  const tokens = SEARCHABLE.flatMap((name) => tokensOf(textOf(name) ?? '', false))
  return words.every((word) => tokens.some((token) => token.startsWith(word)))
}
