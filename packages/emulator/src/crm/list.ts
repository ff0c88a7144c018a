// Reading tickets: the list by cursor, one by id, many by id.
import { instant } from '../clock.ts'
import {
  type AccountCall,
  booleanParam,
  jsonBody,
  limitParam,
  listParam,
  missingFields,
  tooMany,
} from '../http/call.ts'
import { invalid, type Reply } from '../http/reply.ts'
import { hash } from '../random.ts'
import { inlineTypes, showInline } from './association-reads.ts'
import type { Associated } from './association-types.ts'
import { findTicket } from './find.ts'
import { nextPage } from './paging.ts'
import { readableNames } from './sensitive.ts'
import { type Shape, shapeOf, showTicket, type Wanted } from './show.ts'
import type { Ticket } from './tickets.ts'

const MAX_PAGE = 100
const MAX_BATCH = 100

function wantedOf(call: AccountCall): Wanted {
  return {
    properties: readableNames(call, listParam(call.query, 'properties')),
    history: listParam(call.query, 'propertiesWithHistory'),
  }
}

export function listTickets(call: AccountCall): Reply {
  const { portal, world } = call
  const limit = limitParam(call.query, 10, MAX_PAGE)
  const archived = booleanParam(call.query, 'archived')
  const { quirks } = world
  const from = portal.cursors.read(call.query.get('after'))
  const asText = quirks.ticket_id_sort === 'text'
  const [page, next] = archived
    ? portal.tickets.archivedPage(from, limit, asText, quirks.archived_list_has_merged)
    : portal.tickets.page(from, limit, asText)
  const shape = shapeOf(portal, wantedOf(call), 'list')
  const types = inlineTypes(call, listParam(call.query, 'associations'))
  const reply: Record<string, unknown> = { results: page.map((one) => showRead(call, one, shape, types)) }
  if (next !== null) reply.paging = nextPage(call, portal.cursors.make(next))
  return { status: 200, json: reply }
}

export function getTicket(call: AccountCall): Reply {
  const ticket = findTicket(call, booleanParam(call.query, 'archived'))
  const types = inlineTypes(call, listParam(call.query, 'associations'))
  return { status: 200, json: showRead(call, ticket, shapeOf(call.portal, wantedOf(call), 'ids'), types) }
}

function showRead(
  call: AccountCall,
  ticket: Ticket,
  shape: Shape,
  types: readonly Associated[],
): Record<string, unknown> {
  const shown = showTicket(call.portal, call.world.quirks, ticket, shape)
  const associations =
    types.length > 0 && ticket.archivedAt === null ? showInline(call, ticket.id, types) : null
  return associations ? { ...shown, associations } : shown
}

export function readInputs(body: Record<string, unknown>): Record<string, unknown>[] {
  const inputs = body.inputs
  if (!Array.isArray(inputs)) return missingFields('inputs')
  tooMany(inputs, MAX_BATCH)
  for (const one of inputs) {
    if (typeof one !== 'object' || one === null || Array.isArray(one)) {
      invalid('Invalid input JSON on line 1, column 2: Cannot deserialize an element of inputs')
    }
  }
  return inputs as Record<string, unknown>[]
}

export function inputIds(inputs: readonly Record<string, unknown>[]): string[] {
  const ids = inputs.map((one) => {
    const id = one.id
    return typeof id === 'string' || typeof id === 'number' ? String(id) : missingFields('id')
  })
  const twice = [...new Set(ids.filter((id, i) => ids.indexOf(id) !== i))]
  if (twice.length > 0) {
    invalid(`Duplicate IDs found in batch input: [${twice.join(', ')}]. IDs must be unique`, {
      context: { ids: twice },
    })
  }
  return ids
}

export function batchRead(call: AccountCall): Reply {
  const { portal, world } = call
  const startedAt = world.clock.now()
  const body = jsonBody(call)
  const ids = inputIds(readInputs(body))
  const archived = booleanParam(call.query, 'archived')
  const names = (value: unknown) => (Array.isArray(value) ? value.map(String) : [])
  const wanted = {
    properties: readableNames(call, names(body.properties)),
    history: names(body.propertiesWithHistory),
  }
  const idProperty = body.idProperty
  if (typeof idProperty === 'string' && idProperty !== '' && idProperty !== 'hs_object_id') {
    invalid(`idProperty ${idProperty} is not a unique property of TICKET`, {
      context: { idProperty: [idProperty] },
    })
  }

  const found: Ticket[] = []
  const missing: string[] = []
  for (const id of ids) {
    const ticket = /^\d{1,15}$/.test(id) ? portal.tickets.get(Number(id)) : null
    const hidden = ticket !== null && ticket.mergedInto !== null && !world.quirks.archived_list_has_merged
    if (ticket && (ticket.archivedAt !== null) === archived && !hidden) found.push(ticket)
    else if (ticket && ticket.mergedInto !== null && world.quirks.merged_ids_missing_in_batch) continue
    else missing.push(id)
  }
  // Results do not promise to come back in the order asked.
  if (world.quirks.batch_order === 'shuffled') found.sort((a, b) => hash(a.id, 3) - hash(b.id, 3))
  const shape = shapeOf(portal, wanted, 'ids')
  return batchReply(
    call,
    startedAt,
    200,
    found.map((one) => showTicket(portal, world.quirks, one, shape)),
    world.quirks.missing_ids_in_batch === 'named' ? missing : [],
    'get',
  )
}

// Errors come in groups: one group names all the ids that are not there, and numErrors counts groups.
export function batchReply(
  call: AccountCall,
  startedAt: number,
  status: number,
  results: unknown[],
  missing: readonly string[],
  verb: string,
): Reply {
  const now = call.world.clock.now()
  const json: Record<string, unknown> = { status: 'COMPLETE', results }
  if (missing.length > 0) {
    json.numErrors = 1
    json.errors = [
      {
        status: 'error',
        category: 'OBJECT_NOT_FOUND',
        message: `Could not ${verb} some TICKET objects, they may be deleted or not exist. Check that ids are valid.`,
        context: { ids: missing },
      },
    ]
  }
  json.startedAt = instant(startedAt)
  json.completedAt = instant(now)
  return { status: missing.length > 0 ? 207 : status, json }
}
