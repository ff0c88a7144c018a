// What HubSpot checks before it writes a ticket's properties.
import { instant } from '../clock.ts'
import { invalid } from '../http/reply.ts'
import type { Portal } from '../portals.ts'
import type { Definition } from './definitions.ts'

const MAX_STRING = 65_536

const DAY = 86_400_000

type Fault = { name: string; value: string; code: string; message: string }

export type Changes = Record<string, string | null>

// All faults of one body are answered together, as HubSpot does. An empty string clears; null is passed over.
export function checkProperties(portal: Portal, given: unknown, forCreate: boolean): Changes {
  if (typeof given !== 'object' || given === null || Array.isArray(given)) {
    return invalid('Invalid input JSON on line 1, column 2. Some required fields were not set: [properties]')
  }
  const changes: Changes = {}
  const faults: Fault[] = []
  for (const [name, raw] of Object.entries(given)) {
    if (raw === null) continue
    if (typeof raw === 'object') {
      return invalid(
        `Invalid input JSON: Cannot deserialize value of type \`java.lang.String\` of property ${name}`,
      )
    }
    const value = String(raw)
    const definition = portal.definitions.get(name)
    const fault =
      !definition || definition.archived ? doesNotExist(name, value) : faultOf(portal, definition, value)
    if (fault) faults.push(fault)
    else changes[name] = value === '' ? null : tidy(definition as Definition, value)
  }
  const wantedPipeline = changes.hs_pipeline ?? null
  const wantedStage = changes.hs_pipeline_stage ?? null
  if (faults.length === 0 && wantedStage !== null && wantedPipeline !== null) {
    const pipeline = portal.pipelines.find((one) => one.id === wantedPipeline)
    if (!pipeline?.stages.some((stage) => stage.id === wantedStage)) {
      faults.push(
        notAllowed('hs_pipeline_stage', wantedStage, pipeline?.stages.map((stage) => stage.id) ?? []),
      )
    }
  }
  if (faults.length > 0) return refuseValues(portal, faults)
  if (forCreate && wantedStage === null) {
    // A stage is the one value that HubSpot cannot supply itself.
    return invalid('Error creating TICKET. Some required properties were not set.', {
      context: { properties: ['hs_pipeline_stage'] },
    })
  }
  return changes
}

const doesNotExist = (name: string, value: string): Fault => ({
  name,
  value,
  code: 'PROPERTY_DOESNT_EXIST',
  message: `Property "${name}" does not exist`,
})

const notAllowed = (name: string, value: string, allowed: readonly string[]): Fault => ({
  name,
  value,
  code: 'INVALID_OPTION',
  message: `${value} was not one of the allowed options: [${allowed.join(', ')}]`,
})

function faultOf(portal: Portal, definition: Definition, value: string): Fault | null {
  const { name, type } = definition
  if (definition.readOnly) {
    const why = definition.calculated
      ? 'a calculated property; its value cannot be set'
      : 'a read only property; its value cannot be set'
    return { name, value, code: 'READ_ONLY_VALUE', message: `"${name}" is ${why}.` }
  }
  if (value === '') return null
  if (value.length > MAX_STRING) {
    return {
      name,
      value: '',
      code: 'INVALID_LENGTH',
      message: `Property ${name} is longer than ${MAX_STRING} characters`,
    }
  }
  if (type === 'number' && !Number.isFinite(Number(value))) {
    return { name, value, code: 'INVALID_INTEGER', message: `${value} was not a valid number.` }
  }
  if ((type === 'datetime' || type === 'date') && timeOf(value) === null) {
    return { name, value, code: 'INVALID_LONG', message: `${value} was not a valid long.` }
  }
  if (type === 'bool' && value !== 'true' && value !== 'false')
    return notAllowed(name, value, ['true', 'false'])
  if (name === 'hs_pipeline') {
    const ids = portal.pipelines.map((one) => one.id)
    return ids.includes(value) ? null : notAllowed(name, value, ids)
  }
  if (name === 'hs_pipeline_stage') {
    const ids = portal.pipelines.flatMap((one) => one.stages.map((stage) => stage.id))
    return ids.includes(value) ? null : notAllowed(name, value, ids)
  }
  if (name === 'hubspot_owner_id') {
    return portal.owners.some((one) => one.id === value)
      ? null
      : { name, value, code: 'INVALID_OWNER_ID', message: `Owner ${value} does not exist` }
  }
  if (type === 'enumeration' && definition.options.length > 0) {
    const values = definition.options.map((one) => one.value)
    const wanted =
      definition.fieldType === 'checkbox' ? value.split(';').filter((one) => one !== '') : [value]
    if (wanted.some((one) => !values.includes(one))) return notAllowed(name, value, values)
  }
  return null
}

function refuseValues(portal: Portal, faults: readonly Fault[]): never {
  const inside = faults.map(({ name, value, code, message }) => ({
    isValid: false,
    message,
    error: code,
    name,
    localizedErrorMessage: message,
    ...(code === 'PROPERTY_DOESNT_EXIST' ? {} : { propertyValue: value }),
    portalId: portal.portal_id,
  }))
  return invalid(`Property values were not valid: ${JSON.stringify(inside)}`, {
    errors: faults.map(({ name, code, message }) => ({ message, code, context: { propertyName: [name] } })),
  })
}

// Milliseconds since 1970 or an ISO date, as HubSpot takes them.
export function timeOf(value: string): number | null {
  if (/^-?\d{1,15}$/.test(value)) return Number(value)
  if (!/^\d{4}-\d{2}-\d{2}/.test(value)) return null
  const time = Date.parse(value)
  return Number.isNaN(time) ? null : time
}

function tidy(definition: Definition, value: string): string {
  const time = definition.type === 'datetime' || definition.type === 'date' ? timeOf(value) : null
  if (time === null) return value
  if (definition.type === 'datetime') return instant(time)
  return new Date(Math.floor(time / DAY) * DAY).toISOString().slice(0, 10)
}
