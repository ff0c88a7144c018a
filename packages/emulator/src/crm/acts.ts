// What somebody in the CRM does to tickets, without HubSpot's checks; and the truth about them.
import type { Clock } from '../clock.ts'
import { instant } from '../clock.ts'
import type { Portal } from '../portals.ts'
import { pick } from '../random.ts'
import { chooseArchived, chooseLive, type Selection } from './choose.ts'
import { mergeTickets } from './merge.ts'
import { contentOf, subjectOf } from './sentences.ts'
import { allProperties } from './show.ts'
import type { Ticket } from './tickets.ts'
import { applyChanges, archiveTicket, createTicket, restoreTicket } from './write.ts'

export type TrueTicket = {
  id: string
  properties: Record<string, string>
  createdAt: string
  updatedAt: string
  archived: boolean
  archivedAt: string | null
  mergedInto: string | null
}

// `at` is epoch milliseconds to stamp instead of now.
export type Timed = { at?: number }

export type TicketChange = Selection &
  Timed & {
    properties?: Record<string, string | null>
    // Change without moving the modified time, as some internal changes do.
    silent?: boolean
  }

const idsOf = (tickets: readonly Ticket[]) => tickets.map((one) => String(one.id))

export function createTicketActs(clock: Clock, portalOf: (portal_id: number) => Portal) {
  let turn = 0

  function addTickets(
    portal_id: number,
    input: Timed & { count?: number; properties?: Record<string, string> } = {},
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
    turn += 1
    const chosen = chooseLive(portal, input, turn)
    for (const ticket of chosen) {
      turn += 1
      const changes = input.properties ?? {
        subject: subjectOf(portal_id, turn, 2),
        content: contentOf(portal_id, turn, 2),
      }
      const own = applyChanges(portal, ticket, changes, now)
      const next = { ...ticket, own, updatedAt: input.silent ? ticket.updatedAt : now }
      portal.tickets.put(next)
      portal.emitter.emit?.(portal_id, { kind: 'changed', before: ticket, ticket: next, at: now })
    }
    return idsOf(chosen)
  }

  function archiveTickets(
    portal_id: number,
    input: Selection & Timed & { merged_into?: string | number },
  ): string[] {
    const portal = portalOf(portal_id)
    turn += 1
    const chosen = chooseLive(portal, input, turn)
    const mergedInto = input.merged_into ? Number(input.merged_into) : null
    const at = input.at ?? clock.now()
    for (const one of chosen) {
      archiveTicket(portal, one, at, mergedInto)
      if (mergedInto === null) continue
      const told = { primary: mergedInto, merged: [one.id], into: mergedInto, survivor: null }
      portal.emitter.emit?.(portal_id, { kind: 'merged', ...told, at })
    }
    return idsOf(chosen)
  }

  function restoreTickets(portal_id: number, input: Selection & Timed): string[] {
    const portal = portalOf(portal_id)
    turn += 1
    const chosen = chooseArchived(portal, input, turn)
    for (const one of chosen) restoreTicket(portal, one, input.at ?? clock.now())
    return idsOf(chosen)
  }

  // For good, as by a request of a person to be forgotten; ids may name archived ones too.
  function deleteTickets(portal_id: number, input: Selection): string[] {
    const { tickets, associations, emitter } = portalOf(portal_id)
    turn += 1
    const ids = input.ids?.map(String) ?? idsOf(chooseLive(portalOf(portal_id), input, turn))
    const unknown = ids.find((id) => !tickets.get(Number(id)))
    if (unknown !== undefined) throw new Error(`there is no ticket ${unknown}`)
    for (const id of ids) {
      const live = tickets.get(Number(id))?.archivedAt === null
      tickets.remove(Number(id))
      if (live) emitter.emit?.(portal_id, { kind: 'deleted', id: Number(id), at: clock.now() })
      associations.forget(Number(id))
    }
    return ids
  }

  function merge(
    portal_id: number,
    input: Timed & { primary: string | number; loser: string | number },
  ): { survivor: string } {
    const portal = portalOf(portal_id)
    if (String(input.primary) === String(input.loser))
      throw new Error('primary and loser are the same ticket')
    const [primary, loser] = chooseLive(portal, { ids: [input.primary, input.loser] }, 0) as [Ticket, Ticket]
    return { survivor: String(mergeTickets(portal, primary, loser, input.at ?? clock.now()).id) }
  }

  // Every ticket with all its values as they are now, in id order.
  function truth(portal_id: number, input: { after?: string; limit?: number; archived?: boolean } = {}) {
    const portal = portalOf(portal_id)
    const { tickets } = portal
    const from = input.after ?? null
    const limit = input.limit ?? 1000
    const [page, next] = input.archived ? tickets.archivedPage(from, limit) : tickets.page(from, limit)
    return {
      total: input.archived ? tickets.archived() : tickets.live(),
      results: page.map((one) => trueTicket(portal, one)),
      next,
    }
  }

  function ticket(portal_id: number, id: string | number): TrueTicket | null {
    const portal = portalOf(portal_id)
    const found = portal.tickets.get(Number(id))
    return found ? trueTicket(portal, found) : null
  }

  return {
    addTickets,
    changeTickets,
    archiveTickets,
    restoreTickets,
    deleteTickets,
    mergeTickets: merge,
    truth,
    ticket,
  }
}

function trueTicket(portal: Portal, ticket: Ticket): TrueTicket {
  return {
    id: String(ticket.id),
    // A property that the account has no more has no value either.
    properties: Object.fromEntries(
      Object.entries(allProperties(portal, ticket)).filter(
        ([name]) => portal.definitions.get(name)?.archived === false,
      ),
    ),
    createdAt: instant(ticket.createdAt),
    updatedAt: instant(ticket.updatedAt),
    archived: ticket.archivedAt !== null,
    archivedAt: ticket.archivedAt === null ? null : instant(ticket.archivedAt),
    mergedInto: ticket.mergedInto === null ? null : String(ticket.mergedInto),
  }
}
