// What somebody changes around the tickets: properties, owners, pipelines, associations, cursors, other apps' traffic.
import type { Clock } from '../clock.ts'
import { fillOptions, type Portal } from '../portals.ts'
import type { Owner, Pipeline } from './account-data.ts'
import { associate, dissociate } from './associate.ts'
import { type Associated, type AssociationType, associatedOf, PLAIN } from './association-types.ts'
import { customDefinition, type Definition, SENSITIVITIES } from './definitions.ts'
import type { PropertyType } from './property-words.ts'

export type AssociationChange = {
  ticket_id: string | number
  to: string
  to_id: string | number
  types?: { category?: AssociationType['category']; typeId: number; label?: string | null }[]
  remove?: boolean
}

export type OwnerChange = Partial<Pick<Owner, 'firstName' | 'lastName' | 'email'>>
export type PipelineChange = { label?: string; stages?: { id: string; label: string }[] }

export function createSettingsActs(clock: Clock, portalOf: (portal_id: number) => Portal) {
  function addProperty(
    portal_id: number,
    input: { name: string; label?: string; type?: PropertyType; options?: string[]; field_type?: string },
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
    const now = clock.now()
    portal.definitions.set(name, { ...found, archived: true, archivedAt: now, updatedAt: now })
    portal.definitionsVersion += 1
  }

  // From now on, or no longer: values stay as they are.
  function changeProperty(portal_id: number, name: string, input: { sensitivity?: unknown }): Definition {
    const portal = portalOf(portal_id)
    const found = portal.definitions.get(name)
    if (!found) throw new Error(`there is no property ${name}`)
    const sensitivity = SENSITIVITIES.find((one) => one === input.sensitivity)
    if (!sensitivity) throw new Error(`sensitivity must be one of ${SENSITIVITIES.join(', ')}`)
    const changed = { ...found, sensitivity, updatedAt: clock.now() }
    portal.definitions.set(name, changed)
    portal.definitionsVersion += 1
    return changed
  }

  function ownerOf(portal_id: number, id: string): Owner {
    const found = portalOf(portal_id).owners.find((one) => one.id === id)
    if (!found) throw new Error(`there is no owner ${id}`)
    return found
  }

  function changeOwner(portal_id: number, id: string, input: OwnerChange): Owner {
    const owner = ownerOf(portal_id, id)
    for (const [name, value] of Object.entries(input)) {
      if (!['firstName', 'lastName', 'email'].includes(name))
        throw new Error(`an owner has no ${name} to change`)
      if (value !== null && typeof value !== 'string') throw new Error(`${name} must be a string or null`)
    }
    return Object.assign(owner, input, { updatedAt: clock.now() })
  }

  // Deactivates the user; tickets keep pointing at it.
  function archiveOwner(portal_id: number, id: string): Owner {
    return Object.assign(ownerOf(portal_id, id), { archived: true, updatedAt: clock.now() })
  }

  function changePipeline(portal_id: number, id: string, input: PipelineChange): Pipeline {
    const portal = portalOf(portal_id)
    const pipeline = portal.pipelines.find((one) => one.id === id)
    if (!pipeline) throw new Error(`there is no pipeline ${id}`)
    const now = clock.now()
    const renamed = (input.stages ?? []).map(({ id: stageId, label }) => {
      const stage = pipeline.stages.find((one) => one.id === String(stageId))
      if (!stage) throw new Error(`pipeline ${id} has no stage ${stageId}`)
      if (typeof label !== 'string') throw new Error('a stage needs a label')
      return { stage, label }
    })
    for (const { stage, label } of renamed) Object.assign(stage, { label, updatedAt: now })
    Object.assign(pipeline, { label: input.label ?? pipeline.label, updatedAt: now })
    fillOptions(portal.definitions, 'hs_pipeline', portal.pipelines)
    const stages = portal.pipelines.flatMap((one) => one.stages)
    fillOptions(portal.definitions, 'hs_pipeline_stage', stages)
    portal.definitionsVersion += 1
    return pipeline
  }

  function changeAssociation(portal_id: number, input: AssociationChange) {
    const portal = portalOf(portal_id)
    const ticket = portal.tickets.get(Number(input.ticket_id))
    if (!ticket || ticket.archivedAt !== null) throw new Error(`there is no live ticket ${input.ticket_id}`)
    const to = associatedOf(String(input.to))
    if (!to) throw new Error('to must be contacts, companies or deals')
    const other = Number(input.to_id)
    if (!Number.isSafeInteger(other) || other <= 0) throw new Error('to_id must be the id of a record')
    const types = (input.types ?? []).map((one) => typeOf(to, one))
    const act = input.remove ? dissociate : associate
    act(portal, ticket.id, to, other, types, clock.now())
    // Whether this moves the modified time of the ticket is undocumented: a switch.
    if (portal.quirks.association_bumps) portal.tickets.put({ ...ticket, updatedAt: clock.now() })
    return { ticket_id: String(ticket.id), to, results: portal.associations.of(ticket.id, to) }
  }

  return {
    addProperty,
    archiveProperty,
    changeProperty,
    changeOwner,
    archiveOwner,
    changePipeline,
    changeAssociation,
    // Every cursor of a ticket list handed out so far is refused from now on.
    voidCursors: (portal_id: number) => portalOf(portal_id).cursors.void(),
    // Calls that other apps make all the time: so many in every ten seconds, so many searches in every second.
    setTraffic(portal_id: number, input: { calls?: number; searches?: number }) {
      const { traffic } = portalOf(portal_id)
      for (const [name, value] of Object.entries(input)) {
        if (name !== 'calls' && name !== 'searches') throw new Error(`there is no traffic called ${name}`)
        if (!Number.isSafeInteger(value) || value < 0) throw new Error(`${name} must be a whole number`)
      }
      return Object.assign(traffic, input)
    },
  }
}

function typeOf(to: Associated, given: NonNullable<AssociationChange['types']>[number]): AssociationType {
  const { category = 'USER_DEFINED', typeId, label = null } = given
  if (!Number.isSafeInteger(typeId)) throw new Error('a type needs a typeId')
  return typeId === PLAIN[to].typeId ? PLAIN[to] : { category, typeId, label }
}
