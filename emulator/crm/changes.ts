// Creating, updating and archiving tickets through the API, one or many at a time.
import { type AccountCall, jsonBody, missingFields } from '../http/call.ts'
import { invalid, objectNotFound, Refusal, type Reply } from '../http/reply.ts'
import { type Changes, checkProperties } from './checks.ts'
import { batchReply, findTicket, inputIds, readInputs } from './list.ts'
import { showWritten } from './show.ts'
import { archiveTicket, createTicket, updateTicket } from './write.ts'

const SOURCE = 'INTEGRATION'

export function createOne(call: AccountCall): Reply {
  const { portal, world } = call
  const body = jsonBody(call)
  if (!('properties' in body)) missingFields('properties')
  checkAssociations(body.associations)
  const changes = checkProperties(portal, body.properties, true)
  const ticket = createTicket(portal, changes, world.clock.now(), SOURCE)
  return { status: 201, json: showWritten(portal, world.quirks, ticket, Object.keys(changes)) }
}

// Associations are read and not kept; that they are well formed is checked.
function checkAssociations(given: unknown): void {
  if (given === undefined || given === null) return
  if (!Array.isArray(given)) invalid('Invalid input JSON: Cannot deserialize value of associations')
  for (const one of given as Record<string, unknown>[]) {
    if (typeof one?.to !== 'object' || !Array.isArray(one.types)) missingFields('to', 'types')
  }
}

export function updateOne(call: AccountCall): Reply {
  const { portal, world } = call
  const body = jsonBody(call)
  const ticket = findTicket(call, false)
  const changes = updatesOf(call, body)
  const same = Object.entries(changes).every(([name, value]) => (ticket.properties[name] ?? null) === value)
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
    checkAssociations(one.associations)
    return checkProperties(portal, one.properties, true)
  })
  const now = world.clock.now()
  const results = checked.map((changes) => {
    const ticket = createTicket(portal, changes, now, SOURCE)
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
