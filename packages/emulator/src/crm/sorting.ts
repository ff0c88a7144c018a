// The one sort rule of a search, and putting what was found in its order.
import { invalid } from '../http/reply.ts'
import type { Portal } from '../portals.ts'
import type { Quirks } from '../quirks.ts'
import { fastName } from './filters.ts'
import { propertyValue } from './show.ts'
import type { Ticket } from './tickets.ts'

// What a query can reach by paging.
export const MAX_RESULTS = 10_000

export type Sort = { name: string; descending: boolean }

// A rule is an object, or a name alone (with a minus for descending).
export function readSort(portal: Portal, sorts: unknown): Sort {
  const list = Array.isArray(sorts) ? sorts : []
  if (list.length > 1) invalid(`too many sorts (count: ${list.length}, max allowed: 1)`)
  const [rule] = list
  if (rule === undefined || rule === null) return { name: 'createdate', descending: false }
  const raw =
    typeof rule === 'string'
      ? { propertyName: rule.replace(/^-/, ''), direction: rule.startsWith('-') ? 'DESCENDING' : 'ASCENDING' }
      : (rule as Record<string, unknown>)
  const name = String(raw.propertyName ?? '')
  if (!portal.definitions.has(name)) invalid(`Cannot sort by ${name}: the property does not exist`)
  const direction = raw.direction ?? 'ASCENDING'
  if (direction !== 'ASCENDING' && direction !== 'DESCENDING')
    invalid('direction must be ASCENDING or DESCENDING')
  return { name, descending: direction === 'DESCENDING' }
}

// In the asked order, as far as anybody can page: of a million the first 10,000.
export function sorted(portal: Portal, quirks: Quirks, ids: number[], sort: Sort): number[] {
  const sign = sort.descending ? -1 : 1
  const fast = fastName(sort.name)
  if (fast === 'id') {
    if (quirks.ticket_id_sort === 'number') {
      const numbers = Float64Array.from(ids).sort()
      return [...(sort.descending ? numbers.reverse() : numbers).subarray(0, MAX_RESULTS)]
    }
    const texts = ids.map(String).sort((a, b) => (a < b ? -sign : a > b ? sign : 0))
    return texts.map(Number)
  }
  const { generated } = portal.tickets
  const entryOf = (id: number) => portal.index.shown.get(id)?.ticket ?? null
  if (fast) {
    const keys = Float64Array.from(
      ids,
      (id) => sign * (entryOf(id)?.[fast] ?? generated[fast](generated.indexOf(id))),
    )
    // Sorting bare numbers is quick: it tells the last key that can still be reached, and only the rest is sorted whole.
    const last =
      keys.length > MAX_RESULTS ? (keys.slice().sort()[MAX_RESULTS - 1] as number) : Number.POSITIVE_INFINITY
    const keyed: { id: number; key: number }[] = []
    for (const [i, id] of ids.entries()) {
      const key = keys[i] as number
      if (key <= last) keyed.push({ id, key })
    }
    keyed.sort((a, b) => a.key - b.key || a.id - b.id)
    return keyed.slice(0, MAX_RESULTS).map((one) => one.id)
  }
  const isNumber = portal.definitions.get(sort.name)?.type === 'number'
  const keyed = ids.map((id) => {
    const value = propertyValue(portal, entryOf(id) ?? (portal.tickets.get(id) as Ticket), sort.name)
    return { id, key: value === undefined ? null : isNumber ? Number(value) : value.toLowerCase() }
  })
  keyed.sort((a, b) => {
    if (a.key === b.key) return a.id - b.id
    // Records without the value come last.
    if (a.key === null || b.key === null) return a.key === null ? 1 : -1
    return a.key < b.key ? -sign : sign
  })
  return keyed.map((one) => one.id)
}
