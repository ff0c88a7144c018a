// Reading associations: many tickets at once, one ticket page by page, and the short inline form.
import { instant } from '../clock.ts'
import { type AccountCall, jsonBody, limitParam, missingFields, tooMany } from '../http/call.ts'
import { invalid, missingScopes, Refusal, type Reply, refuse } from '../http/reply.ts'
import { hash } from '../random.ts'
import { type Associated, associatedOf, inlineName, SCOPE, SINGULAR } from './association-types.ts'
import type { Link } from './associations.ts'
import { findTicket } from './find.ts'
import { nextPage, type Paging } from './paging.ts'

const MAX_INPUTS = 1000
const MAX_TO = 500

export function toTypeOf(name: string): Associated {
  return associatedOf(name) ?? refuse(400, `Unable to infer object type from: ${name}`)
}

// Reading an association needs both sides: the route asks for the other one's scope, this for the tickets.
export function needScope(call: AccountCall, scope: string): void {
  if (!call.world.tokens.effectiveScopes(call.access, call.portal).includes(scope))
    throw new Refusal(missingScopes([scope], call.world.quirks.missing_scopes))
}

export function batchReadAssociations(call: AccountCall): Reply {
  const { portal, world } = call
  needScope(call, 'tickets')
  const startedAt = world.clock.now()
  const to = toTypeOf(call.params.toObjectType ?? '')
  const results: unknown[] = []
  const errors: unknown[] = []
  for (const { id, after } of readInputs(call)) {
    const ticket = /^\d{1,15}$/.test(id) ? portal.tickets.get(Number(id)) : null
    const live = ticket !== null && ticket.archivedAt === null
    const all = live ? portal.associations.of(ticket.id, to) : []
    if (all.length > 0) {
      const [page, next] = pageOf(all, after, MAX_TO)
      const row: Record<string, unknown> = { from: { id }, to: page.map((one) => show(call, one)) }
      // This paging has no place for a link that somebody could follow: the cursor belongs into an input.
      if (next !== null) row.paging = { next: { after: next } }
      results.push(row)
    } else if (world.quirks.no_associations === 'error') errors.push(noneFound(id, to))
    // Both ways of saying nothing, each for some tickets.
    else if (live && world.quirks.no_associations === 'empty' && hash(ticket.id, 5) % 2 === 0)
      results.push({ from: { id }, to: [] })
  }
  const json: Record<string, unknown> = { status: 'COMPLETE', results }
  if (errors.length > 0) Object.assign(json, { numErrors: errors.length, errors })
  json.startedAt = instant(startedAt)
  json.completedAt = instant(world.clock.now())
  return { status: errors.length > 0 ? 207 : 200, json }
}

function readInputs(call: AccountCall): { id: string; after: string | null }[] {
  const { inputs } = jsonBody(call)
  if (!Array.isArray(inputs)) return missingFields('inputs')
  tooMany(inputs, MAX_INPUTS)
  return inputs.map((one: unknown) => {
    const { id, after } = (typeof one === 'object' && one !== null ? one : {}) as Record<string, unknown>
    if (typeof id !== 'string' && typeof id !== 'number') return missingFields('id')
    return { id: String(id), after: checkedAfter(after) }
  })
}

function checkedAfter(after: unknown): string | null {
  if (after === undefined || after === null || after === '') return null
  const text = String(after)
  return /^\d{1,15}$/.test(text)
    ? text
    : invalid(`Invalid value for parameter 'after': ${text.slice(0, 200)}`)
}

// The cursor is the id of the next record of the other side.
function pageOf(all: readonly Link[], after: string | null, limit: number): [Link[], string | null] {
  const from = after === null ? 0 : all.findIndex((one) => one.to >= Number(after))
  const rest = from < 0 ? [] : all.slice(from)
  return [rest.slice(0, limit), rest.length > limit ? String(rest[limit]?.to) : null]
}

function show(call: AccountCall, { to, types }: Link): unknown {
  return {
    toObjectId: call.world.quirks.to_object_id === 'string' ? String(to) : to,
    associationTypes: types,
  }
}

function noneFound(id: string, to: Associated): unknown {
  return {
    status: 'error',
    category: 'OBJECT_NOT_FOUND',
    subCategory: 'crm.associations.NO_ASSOCIATIONS_FOUND',
    message: `No ${SINGULAR[to]} is associated with ticket ${id}.`,
    context: { fromObjectId: [id], fromObjectType: ['ticket'], toObjectType: [SINGULAR[to]] },
  }
}

export function listAssociations(call: AccountCall): Reply {
  needScope(call, 'tickets')
  const to = toTypeOf(call.params.toObjectType ?? '')
  const limit = limitParam(call.query, MAX_TO, MAX_TO)
  const after = checkedAfter(call.query.get('after'))
  const ticket = findTicket(call, false)
  const [page, next] = pageOf(call.portal.associations.of(ticket.id, to), after, limit)
  const json: Record<string, unknown> = { results: page.map((one) => show(call, one)) }
  if (next !== null) json.paging = nextPage(call, next)
  return { status: 200, json }
}

// Checked once for a request: the types that `associations=` names, each with its scope.
export function inlineTypes(call: AccountCall, names: readonly string[]): Associated[] {
  const types = [...new Set(names.map(toTypeOf))]
  for (const one of types) needScope(call, SCOPE[one])
  return types
}

// Ids and type names only, one entry for each type of an association; nothing at all for a ticket without any.
export function showInline(
  call: AccountCall,
  ticketId: number,
  types: readonly Associated[],
): Record<string, { results: { id: string; type: string }[]; paging?: Paging }> | null {
  const shown: Record<string, { results: { id: string; type: string }[]; paging?: Paging }> = {}
  for (const to of types) {
    const all = call.portal.associations.of(ticketId, to)
    if (all.length === 0) continue
    const [page, next] = pageOf(all, null, MAX_TO)
    const results = page.flatMap((link) =>
      link.types.map((type) => ({ id: String(link.to), type: inlineName(to, type) })),
    )
    shown[to] = next === null ? { results } : { results, paging: nextPage(call, next) }
  }
  return Object.keys(shown).length > 0 ? shown : null
}
