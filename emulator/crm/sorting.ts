// The one sort rule of a search, and putting what was found in its order.
import { invalid } from '../http/reply.ts'
import type { Portal } from '../portals.ts'
import type { Quirks } from '../quirks.ts'
import { fastName } from './filters.ts'
import { propertyValue } from './show.ts'
import type { Ticket } from './tickets.ts'

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

export function sorted(portal: Portal, quirks: Quirks, ids: number[], sort: Sort): number[] {
  const sign = sort.descending ? -1 : 1
  const fast = fastName(sort.name)
  if (fast === 'id') {
    const asText = quirks.ticket_id_sort !== 'number'
    if (!asText) return ids.sort((a, b) => sign * (a - b))
    const texts = ids.map(String).sort((a, b) => (a < b ? -sign : a > b ? sign : 0))
    return texts.map(Number)
  }
  const { generated } = portal.tickets
  const entryOf = (id: number) => portal.index.shown.get(id)?.ticket ?? null
  if (fast) {
    const columns = portal.columns()
    const keyed = ids.map((id) => ({
      id,
      key: entryOf(id)?.[fast] ?? (columns[fast][generated.indexOf(id)] as number),
    }))
    keyed.sort((a, b) => sign * (a.key - b.key) || a.id - b.id)
    return keyed.map((one) => one.id)
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
