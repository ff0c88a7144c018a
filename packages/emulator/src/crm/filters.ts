// Search filters as they come in a request: what HubSpot refuses, and how each is read.
import { invalid, refuse } from '../http/reply.ts'
import type { Portal } from '../portals.ts'
import type { Quirks } from '../quirks.ts'
import { timeOf } from './checks.ts'
import type { Definition } from './definitions.ts'
import { numberTest, textTest, tokenTest, wordTest } from './operators.ts'

const OPERATORS = new Set([
  'EQ',
  'NEQ',
  'LT',
  'LTE',
  'GT',
  'GTE',
  'BETWEEN',
  'IN',
  'NOT_IN',
  'HAS_PROPERTY',
  'NOT_HAS_PROPERTY',
  'CONTAINS_TOKEN',
  'NOT_CONTAINS_TOKEN',
])
const MAX_GROUPS = 5
const MAX_PER_GROUP = 6
const MAX_FILTERS = 18

// `fast` filters look at a number that the index has at hand, so that a million tickets are passed over quickly.
export type Fast = 'id' | 'createdAt' | 'updatedAt'
// Nothing outside of these bounds passes; what is inside still has to be tested.
export type Range = readonly [low: number, high: number]
export type Test =
  | { fast: Fast; name: string; range: Range | null; test: (value: number) => boolean }
  | { fast: null; name: string; test: (value: string | undefined) => boolean }

const FAST: Record<string, Fast> = {
  hs_object_id: 'id',
  hs_ticket_id: 'id',
  createdate: 'createdAt',
  hs_createdate: 'createdAt',
  hs_lastmodifieddate: 'updatedAt',
}

export function fastName(name: string): Fast | null {
  return FAST[name] ?? null
}

export function readFilters(portal: Portal, quirks: Quirks, body: Record<string, unknown>): Test[][] {
  const groups = listOf(body.filterGroups, 'filterGroups').map((group) =>
    listOf((group as Raw)?.filters, 'filters'),
  )
  // A bare list of filters counts as one group.
  const bare = listOf(body.filters, 'filters')
  if (bare.length > 0) groups.push(bare)
  if (groups.length > MAX_GROUPS)
    invalid(`too many filterGroups (count: ${groups.length}, max allowed: ${MAX_GROUPS})`)
  for (const group of groups) {
    if (group.length > MAX_PER_GROUP) {
      invalid(`too many filters per filterGroup (count: ${group.length}, max allowed: ${MAX_PER_GROUP})`)
    }
  }
  const total = groups.reduce((sum, group) => sum + group.length, 0)
  if (total > MAX_FILTERS) invalid(`too many filters (count: ${total}, max allowed: ${MAX_FILTERS})`)
  return groups
    .filter((group) => group.length > 0)
    .map((group) => group.map((one) => readFilter(portal, quirks, one as Raw)))
}

type Raw = Record<string, unknown>

function listOf(value: unknown, name: string): unknown[] {
  if (value === undefined || value === null) return []
  if (!Array.isArray(value)) {
    return refuse(
      400,
      `Invalid input JSON: Cannot deserialize value of type \`java.util.ArrayList\` (field ${name})`,
    )
  }
  return value
}

function readFilter(portal: Portal, quirks: Quirks, raw: Raw): Test {
  const name = String(raw?.propertyName ?? '')
  const operator = String(raw?.operator ?? '')
  if (!OPERATORS.has(operator))
    invalid(`Invalid input JSON: operator must be one of ${[...OPERATORS].join(', ')}`)
  const definition = portal.definitions.get(name)
  if (!definition || definition.archived) {
    return invalid(`There was a problem with the request: property ${name} does not exist`, {
      context: { propertyName: [name] },
    })
  }
  const value = textOf(raw.value)
  const high = textOf(raw.highValue)
  const values = Array.isArray(raw.values) ? raw.values.map((one) => textOf(one) ?? '') : []
  const needs = (present: boolean, field: string) => {
    if (!present)
      invalid(`Filter on ${name} with operator ${operator} needs ${field}`, {
        context: { propertyName: [name] },
      })
  }
  if (operator === 'IN' || operator === 'NOT_IN') needs(values.length > 0, 'values')
  else if (!operator.endsWith('HAS_PROPERTY')) needs(value !== undefined && value !== '', 'a value')
  if (operator === 'BETWEEN') needs(high !== undefined && high !== '', 'a highValue')

  const fast = FAST[name]
  if (fast) {
    // Whether record ids compare as numbers or as text is undocumented: a switch.
    if (fast === 'id' && quirks.ticket_id_sort === 'text') {
      const test = textTest(operator, value ?? '', high ?? '', values)
      return { fast, name, range: null, test: (id) => test(String(id)) }
    }
    const numbers = numbersOf(definition, name, value, high, values)
    return { fast, name, range: rangeOf(operator, numbers), test: numberTest(operator, ...numbers) }
  }
  if (definition.type === 'number' || definition.type === 'date' || definition.type === 'datetime') {
    if (operator.endsWith('TOKEN')) return { fast: null, name, test: tokenTest(operator, value ?? '') }
    const test = numberTest(operator, ...numbersOf(definition, name, value, high, values))
    const absent = operator === 'NOT_HAS_PROPERTY'
    const parse = definition.type === 'number' ? Number : (text: string) => timeOf(text) ?? Number.NaN
    return { fast: null, name, test: (text) => (text === undefined ? absent : test(parse(text))) }
  }
  if (operator.endsWith('TOKEN')) return { fast: null, name, test: tokenTest(operator, value ?? '') }
  return { fast: null, name, test: wordTest(definition, operator, value ?? '', high ?? '', values) }
}

function rangeOf(operator: string, [value, high]: readonly [number, number, number[]]): Range | null {
  if (operator === 'EQ') return [value, value]
  if (operator === 'GT' || operator === 'GTE') return [value, Number.POSITIVE_INFINITY]
  if (operator === 'LT' || operator === 'LTE') return [Number.NEGATIVE_INFINITY, value]
  return operator === 'BETWEEN' ? [value, high] : null
}

function textOf(value: unknown): string | undefined {
  return value === undefined || value === null ? undefined : String(value)
}

function numbersOf(
  definition: Definition,
  name: string,
  value: string | undefined,
  high: string | undefined,
  values: readonly string[],
): [number, number, number[]] {
  const read = (text: string | undefined): number => {
    if (text === undefined) return Number.NaN
    const number = definition.type === 'number' ? Number(text) : timeOf(text)
    if (number === null || Number.isNaN(number)) {
      return invalid(`${text} is not a valid ${definition.type} for property ${name}`, {
        context: { propertyName: [name] },
      })
    }
    return number
  }
  return [read(value), read(high), values.map((one) => read(one))]
}
