// The associations that a request to create a ticket brings along.
import { missingFields } from '../http/call.ts'
import { invalid } from '../http/reply.ts'
import type { Portal } from '../portals.ts'
import { associate } from './associate.ts'
import { type Associated, type AssociationType, typeById } from './association-types.ts'
import type { Ticket } from './tickets.ts'

type Given = { to: Associated; id: number; type: AssociationType }

// The object type is not named: it follows from the type id.
export function readAssociations(given: unknown): Given[] {
  if (given === undefined || given === null) return []
  if (!Array.isArray(given)) return invalid('Invalid input JSON: Cannot deserialize value of associations')
  return (given as Record<string, unknown>[]).flatMap((one) => {
    if (typeof one?.to !== 'object' || !Array.isArray(one.types)) return missingFields('to', 'types')
    const id = String((one.to as Record<string, unknown> | null)?.id ?? '')
    if (!/^\d{1,15}$/.test(id)) {
      return invalid(`${id.slice(0, 100)} is not a valid object id`, { context: { id: [id.slice(0, 100)] } })
    }
    return (one.types as Record<string, unknown>[]).map((raw) => {
      const found = typeById(Number(raw?.associationTypeId))
      if (
        !found ||
        (raw.associationCategory !== undefined && raw.associationCategory !== found[1].category)
      ) {
        const shown = JSON.stringify(raw ?? null).slice(0, 200)
        return invalid(`${shown} is not a valid association type between TICKET and another object`)
      }
      return { to: found[0], id: Number(id), type: found[1] }
    })
  })
}

export function saveAssociations(portal: Portal, ticket: Ticket, given: readonly Given[]): void {
  for (const { to, id, type } of given) associate(portal, ticket.id, to, id, [type], ticket.updatedAt)
}
