// Search over the lagging index: caps, filters, one sort rule, offset paging that ends at 10,000.
import type { AccountCall } from '../http/call.ts'
import { jsonBody } from '../http/call.ts'
import { invalid, type Reply, refuse } from '../http/reply.ts'
import type { Portal } from '../portals.ts'
import type { Quirks } from '../quirks.ts'
import { type Fast, readFilters, type Test } from './filters.ts'
import { tokensOf } from './operators.ts'
import { propertyValue, showTicket } from './show.ts'
import { readSort, type Sort, sorted } from './sorting.ts'
import type { Ticket } from './tickets.ts'

const MAX_PAGE = 200
const MAX_RESULTS = 10_000
const MAX_CHARACTERS = 3000
const SEARCHABLE = ['subject', 'content', 'hs_pipeline_stage', 'hs_ticket_category', 'hs_ticket_id']

type Found = { total: number; ids: (number | null)[] }

export function searchTickets(call: AccountCall): Reply {
  const { portal, world } = call
  if (call.body.toString('utf8').length > MAX_CHARACTERS) {
    invalid(`The request body is longer than the maximum of ${MAX_CHARACTERS} characters`)
  }
  const body = jsonBody(call)
  const limit = wholeNumber(body.limit, 'limit', 10)
  if (limit < 0 || limit > MAX_PAGE) invalid(`Invalid limit ${limit}: it must not be above ${MAX_PAGE}`)
  const after = wholeNumber(body.after, 'after', 0)
  if (after < 0) invalid('after must not be negative')
  if (after + limit > MAX_RESULTS) {
    invalid(
      `Paging is limited to the first ${MAX_RESULTS} results of a query (after ${after}, limit ${limit})`,
      {
        context: { after: [String(after)] },
      },
    )
  }
  const filters = readFilters(portal, world.quirks, body)
  const sort = readSort(portal, body.sorts)
  const query = typeof body.query === 'string' ? body.query.trim() : ''
  const properties = Array.isArray(body.properties) ? body.properties.map(String) : []

  const key = JSON.stringify([body.filterGroups, body.filters, sort, query])
  const found = find(portal, world.quirks, key, filters, sort, query)
  const page = found.ids.slice(after, after + limit)
  const results = page
    .filter((id) => id !== null)
    .map((id) =>
      showTicket(portal, world.quirks, rowOf(portal, world.quirks, id), { properties, history: [] }),
    )
  const reply: Record<string, unknown> = { total: found.total, results }
  const next = after + limit
  if (limit > 0 && next < found.total) reply.paging = { next: { after: String(next) } }
  return { status: 200, json: reply }
}

function wholeNumber(value: unknown, name: string, standard: number): number {
  if (value === undefined || value === null || value === '') return standard
  if (typeof value === 'number' && Number.isSafeInteger(value)) return value
  if (typeof value === 'string' && /^-?\d{1,12}$/.test(value)) return Number(value)
  return refuse(400, `Invalid input JSON: ${name} must be an integer`, {
    category: 'VALIDATION_ERROR',
    context: { [name]: [String(value).slice(0, 100)] },
  })
}

// The last answers are kept, so that walking through pages does not search a million tickets again.
function find(
  portal: Portal,
  quirks: Quirks,
  key: string,
  filters: Test[][],
  sort: Sort,
  query: string,
): Found {
  const version = portal.index.refresh()
  const full = `${version} ${portal.definitionsVersion} ${quirks.ticket_id_sort} ${quirks.short_pages} ${key}`
  const known = portal.searches.get(full) as Found | undefined
  if (known) return known
  const ids = sorted(portal, quirks, matches(portal, filters, query), sort)
  const found = quirks.short_pages ? withGhosts(ids) : { total: ids.length, ids: ids.slice(0, MAX_RESULTS) }
  if (portal.searches.size >= 20) portal.searches.delete(portal.searches.keys().next().value as string)
  portal.searches.set(full, found)
  return found
}

function matches(portal: Portal, filters: Test[][], query: string): number[] {
  const { generated } = portal.tickets
  const { shown } = portal.index
  const words = tokensOf(query, false)
  const ids: number[] = []
  const passes = (
    numberOf: (fast: Fast) => number,
    textOf: (name: string) => string | undefined,
  ): boolean => {
    const inGroups =
      filters.length === 0 ||
      filters.some(
        (group) =>
          group.every((one) => one.fast === null || one.test(numberOf(one.fast))) &&
          group.every((one) => one.fast !== null || one.test(textOf(one.name))),
      )
    return inGroups && (words.length === 0 || matchesQuery(words, textOf))
  }
  const columns = portal.columns()
  for (let index = 0; index < generated.count; index++) {
    const id = columns.id[index] as number
    if (shown.size > 0 && shown.has(id)) continue
    let ticket: Ticket | null = null
    const fits = passes(
      (fast) => columns[fast][index] as number,
      (name) => {
        const own = generated.value(index, name)
        if (own !== undefined) return own
        ticket ??= portal.tickets.get(id) as Ticket
        return propertyValue(portal, ticket, name)
      },
    )
    if (fits) ids.push(id)
  }
  for (const { ticket } of shown.values()) {
    if (
      ticket &&
      passes(
        (fast) => ticket[fast],
        (name) => propertyValue(portal, ticket, name),
      )
    )
      ids.push(ticket.id)
  }
  return ids
}

function matchesQuery(words: readonly string[], textOf: (name: string) => string | undefined): boolean {
  const tokens = SEARCHABLE.flatMap((name) => tokensOf(textOf(name) ?? '', false))
  return words.every((word) => tokens.some((token) => token.startsWith(word)))
}

// What the index holds for a ticket that was found, or what the ticket is now, by switch.
function rowOf(portal: Portal, quirks: Quirks, id: number): Ticket {
  const current = portal.tickets.get(id) as Ticket
  const entry = portal.index.shown.get(id)
  return quirks.search_values === 'current' || !entry ? current : (entry.ticket ?? current)
}

// The switch short_pages: the index counts entries that are dropped from the page they fall on, among them runs long
// enough that a whole page is empty and still has a next cursor.
function withGhosts(ids: readonly number[]): Found {
  const all: (number | null)[] = []
  for (const [i, id] of ids.entries()) {
    if (i % 700 === 5) for (let k = 0; k < 400; k++) all.push(null)
    else if (i % 3 === 1) all.push(null)
    all.push(id)
  }
  return { total: all.length, ids: all.slice(0, MAX_RESULTS) }
}
