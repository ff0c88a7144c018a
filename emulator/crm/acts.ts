// What somebody in the CRM does to tickets, without HubSpot's checks; and the truth about them.
import type { Clock } from '../clock.ts'
import { instant } from '../clock.ts'
import type { Portal } from '../portals.ts'
import { hash, pick } from '../random.ts'
import { customDefinition, type Definition } from './definitions.ts'
import type { PropertyType } from './property-words.ts'
import { contentOf, subjectOf } from './sentences.ts'
import { allProperties } from './show.ts'
import type { Ticket } from './tickets.ts'
import { applyChanges, archiveTicket, createTicket } from './write.ts'

export type TrueTicket = {
  id: string
  properties: Record<string, string>
  createdAt: string
  updatedAt: string
  archived: boolean
  archivedAt: string | null
  mergedInto: string | null
}

export type Selection = { ids?: (string | number)[]; count?: number; pick?: 'random' | 'first' | 'last' }

export type TicketChange = Selection & {
  properties?: Record<string, string | null>
  // Epoch milliseconds to stamp instead of now.
  at?: number
  // Change without moving the modified time, as some internal changes do.
  silent?: boolean
}

export function createCrmActs(clock: Clock, portalOf: (portal_id: number) => Portal) {
  let turn = 0

  function addTickets(
    portal_id: number,
    input: { count?: number; properties?: Record<string, string>; at?: number } = {},
  ): string[] {
    const portal = portalOf(portal_id)
    const now = input.at ?? clock.now()
    const ids: string[] = []
    for (let i = 0; i < (input.count ?? 1); i++) {
      turn += 1
      const [first] = portal.pipelines
      const changes = {
        subject: subjectOf(portal_id, turn, 1),
        content: contentOf(portal_id, turn, 1),
        hs_pipeline_stage: first?.stages[0]?.id ?? '1',
        hs_ticket_priority: pick(['LOW', 'MEDIUM', 'HIGH'], turn),
        ...input.properties,
      }
      ids.push(String(createTicket(portal, changes, now, 'CRM_UI').id))
    }
    return ids
  }

  // Everybody in one call gets the same millisecond, as in HubSpot's own bulk jobs.
  function changeTickets(portal_id: number, input: TicketChange): string[] {
    const portal = portalOf(portal_id)
    const now = input.at ?? clock.now()
    const chosen = choose(portal, input)
    for (const ticket of chosen) {
      turn += 1
      const changes = input.properties ?? {
        subject: subjectOf(portal_id, turn, 2),
        content: contentOf(portal_id, turn, 2),
      }
      const properties = applyChanges(portal, ticket, changes, now)
      portal.tickets.put({ ...ticket, properties, updatedAt: input.silent ? ticket.updatedAt : now })
    }
    return chosen.map((one) => String(one.id))
  }

  function archiveTickets(
    portal_id: number,
    input: Selection & { at?: number; merged_into?: string | number },
  ): string[] {
    const portal = portalOf(portal_id)
    const now = input.at ?? clock.now()
    const chosen = choose(portal, input)
    for (const ticket of chosen)
      archiveTicket(portal, ticket, now, input.merged_into ? Number(input.merged_into) : null)
    return chosen.map((one) => String(one.id))
  }

  function choose(portal: Portal, { ids, count, pick: how = 'random' }: Selection): Ticket[] {
    const { tickets } = portal
    if (ids) {
      return ids.map((id) => {
        const ticket = tickets.get(Number(id))
        if (!ticket || ticket.archivedAt !== null) throw new Error(`there is no live ticket ${id}`)
        return ticket
      })
    }
    const wanted = Math.min(count ?? 1, tickets.live())
    const chosen = new Map<number, Ticket>()
    const size = tickets.size()
    turn += 1
    const start = how === 'random' ? hash(portal.portal_id, turn, size) % Math.max(1, size) : 0
    // From a random start in odd steps: every ticket is met once, without a list of all.
    const step = how === 'random' ? coprimeStep(size, hash(turn, size)) : 1
    for (let i = 0; i < size && chosen.size < wanted; i++) {
      const place = how === 'last' ? size - 1 - i : (start + i * step) % size
      const ticket = tickets.get(tickets.idOf(place))
      if (ticket && ticket.archivedAt === null) chosen.set(ticket.id, ticket)
    }
    return [...chosen.values()]
  }

  // Every ticket with all its values as they are now, in id order.
  function truth(portal_id: number, input: { after?: string; limit?: number; archived?: boolean } = {}) {
    const portal = portalOf(portal_id)
    const [page, next] = portal.tickets.page(
      input.after ?? null,
      input.limit ?? 1000,
      input.archived ?? false,
    )
    return {
      total: input.archived ? portal.tickets.archived() : portal.tickets.live(),
      results: page.map((one) => trueTicket(portal, one)),
      next,
    }
  }

  function ticket(portal_id: number, id: string | number): TrueTicket | null {
    const portal = portalOf(portal_id)
    const found = portal.tickets.get(Number(id))
    return found ? trueTicket(portal, found) : null
  }

  function addProperty(
    portal_id: number,
    input: { name: string; label?: string; type?: PropertyType; options?: string[] },
  ): Definition {
    const portal = portalOf(portal_id)
    const made = customDefinition({ ...input, now: clock.now() })
    portal.definitions.set(made.name, made)
    portal.definitionsVersion += 1
    return made
  }

  // A deleted property stays listed as archived and vanishes from records.
  function archiveProperty(portal_id: number, name: string): void {
    const portal = portalOf(portal_id)
    const found = portal.definitions.get(name)
    if (!found) throw new Error(`there is no property ${name}`)
    portal.definitions.set(name, {
      ...found,
      archived: true,
      archivedAt: clock.now(),
      updatedAt: clock.now(),
    })
    portal.definitionsVersion += 1
  }

  return { addTickets, changeTickets, archiveTickets, truth, ticket, addProperty, archiveProperty }
}

function trueTicket(portal: Portal, ticket: Ticket): TrueTicket {
  return {
    id: String(ticket.id),
    properties: allProperties(portal, ticket),
    createdAt: instant(ticket.createdAt),
    updatedAt: instant(ticket.updatedAt),
    archived: ticket.archivedAt !== null,
    archivedAt: ticket.archivedAt === null ? null : instant(ticket.archivedAt),
    mergedInto: ticket.mergedInto === null ? null : String(ticket.mergedInto),
  }
}

function coprimeStep(size: number, from: number): number {
  const divisor = (a: number, b: number): number => (b === 0 ? a : divisor(b, a % b))
  let step = (from % Math.max(1, size)) + 1
  while (size > 1 && divisor(step, size) !== 1) step += 1
  return step
}
