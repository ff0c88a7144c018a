// Creating, updating and archiving tickets through the API, one or many at a time.
import { type AccountCall, jsonBody, missingFields } from '../http/call.ts'
import { invalid, objectNotFound, Refusal, type Reply } from '../http/reply.ts'
import { type Changes, checkProperties } from './checks.ts'
import { findTicket } from './find.ts'
import { readAssociations, saveAssociations } from './given-associations.ts'
import { batchReply, inputIds, readInputs } from './list.ts'
import { mergeTickets } from './merge.ts'
import { showWritten } from './show.ts'
import type { Ticket } from './tickets.ts'
import { archiveTicket, createTicket, updateTicket } from './write.ts'

const SOURCE = 'INTEGRATION'

export function createOne(call: AccountCall): Reply {
  const { portal, world } = call
  const body = jsonBody(call)
  if (!('properties' in body)) missingFields('properties')
  const associations = readAssociations(body.associations)
  const changes = checkProperties(portal, body.properties, true)
  const ticket = createTicket(portal, changes, world.clock.now(), SOURCE)
  saveAssociations(portal, ticket, associations)
  return { status: 201, json: showWritten(portal, world.quirks, ticket, Object.keys(changes)) }
}

export function updateOne(call: AccountCall): Reply {
  const { portal, world } = call
  const body = jsonBody(call)
  const ticket = findTicket(call, false)
  const changes = updatesOf(call, body)
  const same = Object.entries(changes).every(
    ([name, value]) => (portal.tickets.value(ticket, name) ?? null) === value,
  )
  // Whether a write that changes nothing moves the modified time is undocumented: a switch.
  const next =
    same && !world.quirks.noop_update_bumps
      ? ticket
      : updateTicket(portal, ticket, changes, world.clock.now())
  return { status: 200, json: showWritten(portal, world.quirks, next, Object.keys(changes)) }
}

function updatesOf(call: AccountCall, body: Record<string, unknown>): Changes {
  if (!('properties' in body)) missingFields('properties')
  const changes = checkProperties(call.portal, body.properties, false)
  if (Object.keys(changes).length === 0) {
    invalid('No properties found to update, please provide at least one.', {
      context: { properties: ['{}'] },
    })
  }
  return changes
}

export function archiveOne(call: AccountCall): Reply {
  const { portal, world } = call
  const id = call.params.id ?? ''
  const ticket = /^\d{1,15}$/.test(id) ? portal.tickets.get(Number(id)) : null
  if (ticket && ticket.archivedAt === null) archiveTicket(portal, ticket, world.clock.now())
  // Whether an unknown id is an error here is undocumented: a switch.
  else if (world.quirks.unknown_archive === 404) throw new Refusal(objectNotFound(id))
  return { status: 204 }
}

export function batchCreate(call: AccountCall): Reply {
  const { portal, world } = call
  const startedAt = world.clock.now()
  const inputs = readInputs(jsonBody(call))
  // One bad row refuses the whole batch: multi-status per row has to be asked for with objectWriteTraceId.
  const checked = inputs.map((one) => {
    if (!('properties' in one)) missingFields('properties')
    const associations = readAssociations(one.associations)
    return { changes: checkProperties(portal, one.properties, true), associations }
  })
  const now = world.clock.now()
  const results = checked.map(({ changes, associations }) => {
    const ticket = createTicket(portal, changes, now, SOURCE)
    saveAssociations(portal, ticket, associations)
    return showWritten(portal, world.quirks, ticket, Object.keys(changes))
  })
  return batchReply(call, startedAt, 201, results, [], 'create')
}

export function batchUpdate(call: AccountCall): Reply {
  const { portal, world } = call
  const startedAt = world.clock.now()
  const inputs = readInputs(jsonBody(call))
  const ids = inputIds(inputs)
  const checked = inputs.map((one) => updatesOf(call, one))
  const now = world.clock.now()
  const results: unknown[] = []
  const missing: string[] = []
  for (const [i, changes] of checked.entries()) {
    const id = ids[i] as string
    const ticket = /^\d{1,15}$/.test(id) ? portal.tickets.get(Number(id)) : null
    if (!ticket || ticket.archivedAt !== null) {
      missing.push(id)
      continue
    }
    results.push(
      showWritten(portal, world.quirks, updateTicket(portal, ticket, changes, now), Object.keys(changes)),
    )
  }
  return batchReply(call, startedAt, 200, results, missing, 'update')
}

export function mergeTwo(call: AccountCall): Reply {
  const { portal, world } = call
  const { primaryObjectId, objectIdToMerge } = jsonBody(call)
  const given = [primaryObjectId, objectIdToMerge]
  if (given.some((id) => typeof id !== 'string' && typeof id !== 'number'))
    missingFields('primaryObjectId', 'objectIdToMerge')
  const [primary, loser] = given.map((id) => liveTicket(call, String(id))) as [Ticket, Ticket]
  if (primary === loser || primary.id === loser.id) {
    invalid('A record cannot be merged with itself', { context: { id: [String(primary.id)] } })
  }
  const survivor = mergeTickets(portal, primary, loser, world.clock.now())
  return { status: 200, json: showWritten(portal, world.quirks, survivor, ['hs_merged_object_ids']) }
}

function liveTicket(call: AccountCall, id: string): Ticket {
  const ticket = /^\d{1,15}$/.test(id) ? call.portal.tickets.get(Number(id)) : null
  if (!ticket || ticket.archivedAt !== null) throw new Refusal(objectNotFound(id))
  return ticket
}

export function batchArchive(call: AccountCall): Reply {
  const { portal, world } = call
  const ids = inputIds(readInputs(jsonBody(call)))
  const now = world.clock.now()
  for (const id of ids) {
    const ticket = /^\d{1,15}$/.test(id) ? portal.tickets.get(Number(id)) : null
    if (ticket && ticket.archivedAt === null) archiveTicket(portal, ticket, now)
  }
  return { status: 204 }
}
