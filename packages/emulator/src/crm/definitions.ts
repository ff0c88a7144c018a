// The ticket properties of a portal: what HubSpot defines in every account, and custom ones as customers make them.
import { hash, pick } from '../random.ts'
import { CUSTOM_WORDS, type PropertyType, type Short, STANDARD } from './property-words.ts'

export const SENSITIVITIES = ['non_sensitive', 'sensitive', 'highly_sensitive'] as const
export type Sensitivity = (typeof SENSITIVITIES)[number]

export type Option = {
  label: string
  value: string
  displayOrder: number
  hidden: boolean
  description?: string
}

export type Definition = {
  name: string
  label: string
  description: string
  groupName: string
  type: PropertyType
  fieldType: string
  options: Option[]
  displayOrder: number
  calculated: boolean
  readOnly: boolean
  hidden: boolean
  hubspotDefined: boolean
  archived: boolean
  archivedAt: number | null
  createdAt: number
  updatedAt: number
  // Of some HubSpot does not say when they were made.
  undated?: boolean
  calculationFormula?: string
  referencedObjectType?: string
  externalOptions: boolean
  hasUniqueValue: boolean
  // Absent: not sensitive.
  sensitivity?: Sensitivity
}

const FIELD: Record<PropertyType, string> = {
  string: 'text',
  number: 'number',
  date: 'date',
  datetime: 'date',
  enumeration: 'select',
  bool: 'booleancheckbox',
  phone_number: 'phonenumber',
  object_coordinates: 'text',
}

function options(values: readonly string[]): Option[] {
  return values.map((value, displayOrder) => {
    const words = value.toLowerCase().replaceAll('_', ' ')
    return { label: words.charAt(0).toUpperCase() + words.slice(1), value, displayOrder, hidden: false }
  })
}

// Thousands of portals made at about the same time share the same objects: a definition is replaced, never changed.
let standard: { at: number; list: readonly Definition[] } | null = null

export function standardDefinitions(now: number): readonly Definition[] {
  const at = Math.floor(now / 86_400_000) * 86_400_000
  if (standard?.at !== at) standard = { at, list: makeStandard(at) }
  return standard.list
}

const makeStandard = (now: number): Definition[] => STANDARD.map((one) => standardDefinition(one, now))

function fieldTypeOf(type: PropertyType, marks: string): string {
  if (marks.includes('m')) return 'checkbox'
  if (marks.includes('t')) return 'textarea'
  if (marks.includes('e')) return 'calculation_equation'
  if (marks.includes('u')) return 'calculation_rollup'
  return FIELD[type]
}

export function standardDefinition(short: Short, now: number): Definition {
  const [name, label, type, marks = '', values = []] = short
  return {
    name,
    label,
    description: '',
    groupName: 'ticketinformation',
    type,
    fieldType: fieldTypeOf(type, marks),
    options: type === 'bool' ? options(['true', 'false']) : options(values),
    displayOrder: -1,
    calculated: marks.includes('c'),
    readOnly: marks.includes('r'),
    hidden: marks.includes('h'),
    hubspotDefined: true,
    archived: false,
    archivedAt: null,
    createdAt: now,
    updatedAt: now,
    externalOptions: marks.includes('o'),
    hasUniqueValue: name === 'hs_object_id',
    ...(nameSeed(name) % 12 === 0 ? { undated: true } : {}),
    ...(marks.includes('e') ? { calculationFormula: `[properties.${name}]` } : {}),
    ...(marks.includes('o') ? { referencedObjectType: 'OWNER' } : {}),
  }
}

export function customDefinition(input: {
  name: string
  label?: string
  type?: PropertyType
  options?: string[]
  field_type?: string
  now: number
}): Definition {
  const type = input.type ?? 'string'
  const fieldType = input.field_type ?? FIELD[type]
  const calculated = fieldType.startsWith('calculation_')
  return {
    name: input.name,
    label: input.label ?? input.name,
    description: '',
    groupName: 'ticketinformation',
    type,
    fieldType,
    options: type === 'bool' ? options(['true', 'false']) : options(input.options ?? []),
    displayOrder: -1,
    calculated,
    readOnly: calculated,
    hidden: false,
    hubspotDefined: false,
    archived: false,
    archivedAt: null,
    createdAt: input.now,
    updatedAt: input.now,
    externalOptions: false,
    hasUniqueValue: false,
    ...(calculated ? { calculationFormula: `[properties.${input.name}]` } : {}),
  }
}

export function customDefinitions(count: number, now: number): Definition[] {
  return Array.from({ length: count }, (_, i) => {
    const [name, label, type, values, field_type] = pick(CUSTOM_WORDS, i)
    const round = Math.floor(i / CUSTOM_WORDS.length)
    const suffix = round === 0 ? '' : `_${round + 1}`
    return customDefinition({
      name: name + suffix,
      label: round === 0 ? label : `${label} ${round + 1}`,
      type,
      now,
      ...(values ? { options: values } : {}),
      ...(field_type ? { field_type } : {}),
    })
  })
}

// Half of the tickets have a value in any one custom property. `name` is the seed of its name.
export function customValue(
  definition: Definition,
  name: number,
  seed: number,
  index: number,
  createdAt: number,
): string | undefined {
  const h = hash(seed, index, name)
  if (h % 2 === 0) return undefined
  const n = h >>> 1
  switch (definition.type) {
    case 'number':
      return String(n % 500)
    case 'date':
      return new Date(createdAt + (n % 400) * 86_400_000).toISOString().slice(0, 10)
    case 'datetime':
      return new Date(createdAt - (n % 10_000_000)).toISOString()
    case 'bool':
      return n % 3 === 0 ? 'true' : 'false'
    case 'phone_number':
      return `+49${String(n % 1_000_000_000).padStart(9, '0')}`
    case 'object_coordinates':
      return `${(n % 180) - 90},${(n % 360) - 180}`
    case 'enumeration':
      return definition.options.length > 0 ? pick(definition.options, n).value : undefined
    default:
      return definition.fieldType === 'html' ? `<p>Handed over <b>${n % 9}</b> times</p>` : plain(n)
  }
}

const plain = (n: number) => `${String.fromCharCode(65 + (n % 26))}-${10_000 + (n % 89_999)}`

export function nameSeed(name: string): number {
  let h = 7
  for (let i = 0; i < name.length; i++) h = (Math.imul(h, 31) + name.charCodeAt(i)) | 0
  return h
}
