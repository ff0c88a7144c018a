// Pipelines, owners and property definitions of an account, as their APIs answer.
import { instant } from '../clock.ts'
import { type AccountCall, booleanParam, limitParam } from '../http/call.ts'
import { invalid, problem, type Reply, refuse } from '../http/reply.ts'
import type { Owner, Pipeline, Stage } from './account-data.ts'
import type { Definition } from './definitions.ts'
import { nextPage } from './paging.ts'
import { isDefined } from './read-time-definitions.ts'
import { sensitivityOf } from './sensitive.ts'

export function listPipelines(call: AccountCall): Reply {
  return { status: 200, json: { results: call.portal.pipelines.map(showPipeline) } }
}

export function getPipeline(call: AccountCall): Reply {
  return { status: 200, json: showPipeline(pipelineOf(call), 0) }
}

export function listStages(call: AccountCall): Reply {
  return { status: 200, json: { results: pipelineOf(call).stages.map(showStage) } }
}

export function getStage(call: AccountCall): Reply {
  const stages = pipelineOf(call).stages
  const place = stages.findIndex((one) => one.id === call.params.stageId)
  if (place < 0) return problem(404, 'resource not found', { category: 'OBJECT_NOT_FOUND' })
  return { status: 200, json: showStage(stages[place] as Stage, place) }
}

function pipelineOf(call: AccountCall): Pipeline {
  const found = call.portal.pipelines.find((one) => one.id === call.params.pipelineId)
  return found ?? refuse(404, 'resource not found', { category: 'OBJECT_NOT_FOUND' })
}

function showPipeline(pipeline: Pipeline, displayOrder: number): Record<string, unknown> {
  return {
    label: pipeline.label,
    displayOrder,
    id: pipeline.id,
    stages: pipeline.stages.map(showStage),
    createdAt: instant(pipeline.createdAt),
    updatedAt: instant(pipeline.updatedAt),
    ...archival(pipeline),
  }
}

const archival = ({ archivedAt }: { archivedAt: number | null }) =>
  archivedAt === null ? { archived: false } : { archived: true, archivedAt: instant(archivedAt) }

// Values of metadata are text, booleans too.
function showStage(stage: Stage, displayOrder: number): Record<string, unknown> {
  return {
    label: stage.label,
    displayOrder,
    metadata: { ticketState: stage.closed ? 'CLOSED' : 'OPEN', isClosed: String(stage.closed) },
    id: stage.id,
    createdAt: instant(stage.createdAt),
    updatedAt: instant(stage.updatedAt),
    ...archival(stage),
    writePermissions: 'CRM_PERMISSIONS_ENFORCEMENT',
  }
}

export function listOwners(call: AccountCall): Reply {
  const limit = limitParam(call.query, 100, 500)
  const archived = booleanParam(call.query, 'archived')
  const email = call.query.get('email')?.toLowerCase()
  const after = call.query.get('after')
  if (after && !/^\d{1,15}$/.test(after))
    invalid(`Invalid value for parameter 'after': ${after.slice(0, 200)}`)
  const all = call.portal.owners
    .filter((one) => one.archived === archived && (!email || one.email === email))
    .filter((one) => !after || Number(one.id) > Number(after))
    .sort((a, b) => Number(a.id) - Number(b.id))
  const page = all.slice(0, limit)
  const reply: Record<string, unknown> = { results: page.map(showOwner) }
  if (all.length > limit) reply.paging = nextPage(call, page.at(-1)?.id ?? '')
  return { status: 200, json: reply }
}

export function getOwner(call: AccountCall): Reply {
  const id = call.params.ownerId ?? ''
  const idProperty = call.query.get('idProperty') ?? 'id'
  if (idProperty !== 'id' && idProperty !== 'userId') invalid(`Invalid idProperty ${idProperty}`)
  const archived = booleanParam(call.query, 'archived')
  const owner = call.portal.owners.find(
    (one) => one.archived === archived && (idProperty === 'id' ? one.id : String(one.user_id)) === id,
  )
  return owner
    ? { status: 200, json: showOwner(owner) }
    : problem(404, 'resource not found', { category: 'OBJECT_NOT_FOUND' })
}

// A deactivated user has no userId any more, only userIdIncludingInactive.
function showOwner(owner: Owner): Record<string, unknown> {
  return {
    id: owner.id,
    email: owner.email,
    type: owner.type,
    firstName: owner.firstName,
    lastName: owner.lastName,
    userId: owner.archived ? null : owner.user_id,
    userIdIncludingInactive: owner.user_id,
    createdAt: instant(owner.createdAt),
    updatedAt: instant(owner.updatedAt),
    archived: owner.archived,
    ...(owner.teams.length > 0 ? { teams: owner.teams } : {}),
  }
}

export function listProperties(call: AccountCall): Reply {
  const archived = booleanParam(call.query, 'archived')
  // Sensitive ones are listed only for who asks for them; that needs no scope.
  const wanted = call.query.get('dataSensitivity') ?? 'non_sensitive'
  const all = [...call.portal.definitions.values()].filter(
    (one) => sensitivityOf(one) === wanted && (archived ? one.archived : isDefined(one, call.world.quirks)),
  )
  return { status: 200, json: { results: all.map(showDefinition) } }
}

export function getProperty(call: AccountCall): Reply {
  const name = call.params.propertyName ?? ''
  const found = call.portal.definitions.get(name)
  const archived = booleanParam(call.query, 'archived')
  if (!found || (archived ? !found.archived : !isDefined(found, call.world.quirks))) {
    return problem(404, `Property "${name}" does not exist`, {
      category: 'OBJECT_NOT_FOUND',
      subCategory: 'PROPERTY_DOESNT_EXIST',
      context: { propertyName: [name] },
    })
  }
  return { status: 200, json: showDefinition(found) }
}

// Of HubSpot's calculations few say that they are: `calculated` is false for most, the field type tells.
const saysCalculated = ({ calculated, fieldType }: Definition) =>
  calculated && fieldType !== 'calculation_equation'

// Which fields there are differs, as recorded: `archived` where it is true, `hubspotDefined` not on the customer's own, …
function showDefinition(one: Definition): Record<string, unknown> {
  const ofStages = one.name === 'hs_pipeline' || one.name === 'hs_pipeline_stage'
  const isDate = one.type === 'date' || one.type === 'datetime'
  return {
    ...(one.undated ? {} : { updatedAt: instant(one.updatedAt), createdAt: instant(one.createdAt) }),
    name: one.name,
    label: one.label,
    type: one.type,
    fieldType: one.fieldType,
    description: one.description,
    groupName: one.groupName,
    options: one.options.map((option, i) =>
      i === 0 && !one.hubspotDefined ? { ...option, description: `${option.label}, first` } : option,
    ),
    ...(one.referencedObjectType ? { referencedObjectType: one.referencedObjectType } : {}),
    displayOrder: one.displayOrder,
    calculated: saysCalculated(one),
    ...(one.calculationFormula ? { calculationFormula: one.calculationFormula } : {}),
    externalOptions: one.externalOptions,
    ...(one.archived ? { archived: true } : {}),
    ...(one.archivedAt === null ? {} : { archivedAt: instant(one.archivedAt) }),
    hasUniqueValue: one.hasUniqueValue,
    hidden: one.hidden,
    ...(one.hubspotDefined ? { hubspotDefined: true } : { createdUserId: '9000001' }),
    ...(!one.hubspotDefined && one.type === 'number' ? { showCurrencySymbol: false } : {}),
    ...(!one.hubspotDefined && isDate ? { dateDisplayHint: 'absolute' } : {}),
    modificationMetadata: {
      archivable: !one.hubspotDefined,
      readOnlyDefinition: one.hubspotDefined,
      ...(ofStages ? { readOnlyOptions: true } : {}),
      readOnlyValue: one.readOnly,
    },
    formField: !one.hubspotDefined || one.name === 'subject' || one.name === 'content',
    dataSensitivity: sensitivityOf(one),
  }
}
