// Which contacts, companies and deals belong to the tickets of a portal: computed from the seed, only changes stored.
import { hash, pick } from '../random.ts'
import {
  ASSOCIATED,
  type Associated,
  type AssociationType,
  LABELS,
  PLAIN,
  PRIMARY_COMPANY,
} from './association-types.ts'
import type { Generated } from './generated.ts'
import type { Ticket } from './tickets.ts'

export type Link = { to: number; types: AssociationType[] }

export type Associations = ReturnType<typeof createAssociations>

const FIRST_ID: Record<Associated, number> = {
  contacts: 51_000_000_000,
  companies: 18_000_000_000,
  deals: 27_000_000_000,
}
// Each of a ticket's associations comes from a range of its own, so that none comes twice.
const RANGE = 40_000

export function createAssociations(
  generated: Generated,
  seed: number,
  most: Partial<Record<Associated, number>>,
) {
  const changed = new Map<string, Link[]>()

  function computed(id: number, to: Associated): Link[] {
    const max = most[to] ?? 0
    const place = max > 0 ? generated.indexOf(id) : -1
    if (place < 0) return []
    const kind = ASSOCIATED.indexOf(to)
    const count = hash(seed, place, kind, 61) % (max + 1)
    return Array.from({ length: count }, (_, i) => {
      const roll = hash(seed, place, kind, 62 + i)
      const types = [PLAIN[to]]
      if (to === 'companies' && i === 0) types.push(PRIMARY_COMPANY)
      if (roll % 4 === 0) types.push(pick(LABELS[to], roll >>> 2))
      return { to: FIRST_ID[to] + i * RANGE + (roll % RANGE), types }
    })
  }

  // In the order of the other side's ids.
  const of = (id: number, to: Associated): readonly Link[] => changed.get(`${id} ${to}`) ?? computed(id, to)

  function keep(id: number, to: Associated, links: readonly Link[]): void {
    changed.set(
      `${id} ${to}`,
      [...links].sort((a, b) => a.to - b.to),
    )
  }

  // A label always comes with the plain type, as HubSpot keeps it.
  function add(id: number, to: Associated, other: number, types: readonly AssociationType[]): void {
    const links = of(id, to)
    const old = links.find((one) => one.to === other)
    const all = [PLAIN[to], ...(old?.types ?? []), ...types]
    const link = { to: other, types: all.filter((one, i) => all.findIndex((each) => same(each, one)) === i) }
    keep(id, to, [...links.filter((one) => one !== old), link])
  }

  // Without types, or when no type is left, the whole association goes.
  function remove(id: number, to: Associated, other: number, types: readonly AssociationType[]): void {
    const links = of(id, to)
    const old = links.find((one) => one.to === other)
    if (!old) throw new Error(`ticket ${id} has no association with ${other} of ${to}`)
    const left = types.length === 0 ? [] : old.types.filter((one) => !types.some((each) => same(each, one)))
    const rest = links.filter((one) => one !== old)
    keep(id, to, left.length === 0 ? rest : [...rest, { to: other, types: left }])
  }

  // The survivor of a merge has what either had.
  function merge(survivor: Ticket, ...parts: Ticket[]): void {
    for (const to of ASSOCIATED) {
      for (const part of parts) for (const link of of(part.id, to)) add(survivor.id, to, link.to, link.types)
    }
  }

  return {
    of,
    add,
    remove,
    merge,
    forget(id: number): void {
      for (const to of ASSOCIATED) changed.delete(`${id} ${to}`)
    },
  }
}

const same = (a: AssociationType, b: AssociationType) => a.category === b.category && a.typeId === b.typeId
