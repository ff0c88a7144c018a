// The CRM paths: dated ones, and the legacy ones that existing clients still call.
import type { AccountCall, Call } from '../http/call.ts'
import type { Bucket } from '../http/rates.ts'
import { type Reply, refuse } from '../http/reply.ts'
import type { Route } from '../http/router.ts'
import {
  getOwner,
  getPipeline,
  getProperty,
  getStage,
  listOwners,
  listPipelines,
  listProperties,
  listStages,
} from './account.ts'
import { batchReadAssociations, listAssociations } from './association-reads.ts'
import { associatedOf, SCOPE } from './association-types.ts'
import {
  archiveOne,
  batchArchive,
  batchCreate,
  batchUpdate,
  createOne,
  mergeTwo,
  updateOne,
} from './changes.ts'
import { batchRead, getTicket, listTickets } from './list.ts'
import { searchTickets } from './search.ts'

type Handle = (call: AccountCall) => Reply

const DATED = '{version:2025-09|2026-03|2026-09}'
const OBJECTS = [`/crm/objects/${DATED}`, '/crm/v3/objects', '/crm/v4/objects']
const PIPELINES = [`/crm/pipelines/${DATED}`, '/crm/v3/pipelines']
const OWNERS = [`/crm/owners/${DATED}`, '/crm/v3/owners']
const ASSOCIATIONS = [`/crm/associations/${DATED}`, '/crm/v4/associations']
const PROPERTIES = [`/crm/properties/${DATED}`, '/crm/v3/properties']

const TICKET = ['tickets'] as const
const SCHEMA = ['tickets', 'crm.schemas.tickets.read'] as const
const PIPELINE = ['tickets', 'crm.schemas.tickets.read', 'crm.objects.owners.read'] as const
const OWNER = ['crm.objects.owners.read'] as const

// Either side's read scope is needed; the one of the tickets is asked for by the handler.
const otherSide = ({ params }: Call) => {
  const to = associatedOf(params.toObjectType ?? '')
  return to ? [SCOPE[to]] : TICKET
}

// HubSpot takes the singular, the plural and the type id. Other object types are not imitated.
function ofTickets(handle: Handle): Handle {
  return (call) => {
    const type = call.params.objectType ?? ''
    if (/^(tickets?|0-5)$/i.test(type)) return handle(call)
    if (/^\d+-\d+$/.test(type)) return refuse(400, `Invalid object or event type id: ${type}`)
    return refuse(400, `Unable to infer object type from: ${type}`)
  }
}

function under(
  bases: readonly string[],
  method: string,
  rest: string,
  scopes: readonly string[] | ((call: Call) => readonly string[]),
  handle: Handle,
  bucket: Bucket = 'general',
): Route[] {
  const wrapped = rest.includes('{objectType}') ? ofTickets(handle) : handle
  return bases.map((base) => ({
    method,
    pattern: base + rest,
    auth: 'bearer' as const,
    bucket,
    scopes: typeof scopes === 'function' ? scopes : () => scopes,
    handle: wrapped,
  }))
}

export const crmRoutes: readonly Route[] = [
  ...under(OBJECTS, 'GET', '/{objectType}', TICKET, listTickets),
  ...under(OBJECTS, 'POST', '/{objectType}', TICKET, createOne),
  // Search is outside the ten-second window and has a limit of its own.
  ...under(OBJECTS, 'POST', '/{objectType}/search', TICKET, searchTickets, 'search'),
  ...under(OBJECTS, 'POST', '/{objectType}/batch/read', TICKET, batchRead),
  ...under(OBJECTS, 'POST', '/{objectType}/batch/create', TICKET, batchCreate),
  ...under(OBJECTS, 'POST', '/{objectType}/batch/update', TICKET, batchUpdate),
  ...under(OBJECTS, 'POST', '/{objectType}/batch/archive', TICKET, batchArchive),
  ...under(OBJECTS, 'POST', '/{objectType}/merge', TICKET, mergeTwo),
  ...under(OBJECTS, 'GET', '/{objectType}/{id}', TICKET, getTicket),
  ...under(OBJECTS, 'PATCH', '/{objectType}/{id}', TICKET, updateOne),
  ...under(OBJECTS, 'DELETE', '/{objectType}/{id}', TICKET, archiveOne),
  // Associations are outside the ten-second window too, with a cap of their own.
  ...under(
    OBJECTS,
    'GET',
    '/{objectType}/{id}/associations/{toObjectType}',
    otherSide,
    listAssociations,
    'associations',
  ),
  ...under(
    ASSOCIATIONS,
    'POST',
    '/{objectType}/{toObjectType}/batch/read',
    otherSide,
    batchReadAssociations,
    'associations',
  ),
  ...under(PIPELINES, 'GET', '/{objectType}', PIPELINE, listPipelines),
  ...under(PIPELINES, 'GET', '/{objectType}/{pipelineId}', PIPELINE, getPipeline),
  ...under(PIPELINES, 'GET', '/{objectType}/{pipelineId}/stages', PIPELINE, listStages),
  ...under(PIPELINES, 'GET', '/{objectType}/{pipelineId}/stages/{stageId}', PIPELINE, getStage),
  ...under(OWNERS, 'GET', '', OWNER, listOwners),
  ...under(OWNERS, 'GET', '/{ownerId}', OWNER, getOwner),
  ...under(PROPERTIES, 'GET', '/{objectType}', SCHEMA, listProperties),
  ...under(PROPERTIES, 'GET', '/{objectType}/{propertyName}', SCHEMA, getProperty),
]
