// Search over the lagging index: caps, filters, one sort rule, offset paging that ends at 10,000.
import type { AccountCall } from '../http/call.ts'
import { jsonBody } from '../http/call.ts'
import { invalid, type Reply, refuse } from '../http/reply.ts'
import type { Portal } from '../portals.ts'
import type { Quirks } from '../quirks.ts'
import { hash } from '../random.ts'
import { nameSeed } from './definitions.ts'
import { readFilters } from './filters.ts'
import { matches, type Query } from './matches.ts'
import { outsiders, shuffled, withGaps, withOutsiders, wobbly } from './result-order.ts'
import { readableNames } from './sensitive.ts'
import { shapeOf, showTicket } from './show.ts'
import { MAX_RESULTS, readSort, type Sort, sorted } from './sorting.ts'
import type { Ticket } from './tickets.ts'

const MAX_PAGE = 200
const MAX_CHARACTERS = 3000

// `ids` are the first 10,000; null is a place that the index counts and a page leaves out.
type Found = { total: number; shownTotal: number; ids: (number | null)[] }

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
  const asked = Array.isArray(body.properties) ? body.properties.map(String) : []
  const properties = readableNames(call, asked)

  const key = JSON.stringify([body.filterGroups, body.filters, sort, query])
  const found = find(portal, world.quirks, key, { filters, query }, sort)
  const page = found.ids.slice(after, after + limit).filter((id) => id !== null)
  const shape = shapeOf(portal, { properties, history: [] }, 'search')
  const rows = world.quirks.search_order === 'shuffled' ? shuffled(page, after) : page
  const results = rows.map((id) => showTicket(portal, world.quirks, rowOf(portal, world.quirks, id), shape))
  const reply: Record<string, unknown> = { total: found.shownTotal, results }
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
function find(portal: Portal, quirks: Quirks, key: string, query: Query, sort: Sort): Found {
  const version = portal.index.refresh()
  const { ticket_id_sort, short_pages, search_outside, search_total } = quirks
  const switches = [portal.definitionsVersion, ticket_id_sort, short_pages, search_outside, search_total]
  const full = `${version} ${switches.join(' ')} ${key}`
  const known = portal.searches.get(full) as Found | undefined
  if (known) return known
  const roll = hash(nameSeed(key), version)
  const order = (ids: number[]) => sorted(portal, quirks, ids, sort)
  const fitting = matches(portal, query)
  let ids: (number | null)[] = order(fitting)
  const beyond = fitting.length - ids.length
  if (search_outside)
    ids = withOutsiders(ids as number[], outsiders(portal, query, ids.length, roll), sort, order, roll)
  if (short_pages) ids = withGaps(ids)
  const total = ids.length + beyond
  const shownTotal = search_total === 'wobbly' ? wobbly(total, roll) : total
  const found = { total, shownTotal, ids: ids.slice(0, MAX_RESULTS) }
  if (portal.searches.size >= 20) portal.searches.delete(portal.searches.keys().next().value as string)
  portal.searches.set(full, found)
  return found
}

// What the index holds for a ticket that was found, or what the ticket is now, by switch.
function rowOf(portal: Portal, quirks: Quirks, id: number): Ticket {
  const entry = portal.index.shown.get(id)
  const indexed = entry?.ticket ?? null
  if (indexed && quirks.search_values === 'indexed') return indexed
  // A ticket that is permanently deleted has no present values: the index may still hold its last ones.
  return (portal.tickets.get(id) ?? indexed) as Ticket
}
