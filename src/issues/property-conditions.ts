/** Conditions on properties of tickets, as parameters of a query name them: `properties.<name>`. Pure. */
import { AppError } from '../lib/errors.ts'
import type { Comparison } from './query.ts'
import { maxIndexedValue } from './search-terms.ts'
import { millisecondsForm, numberForm } from './value-ranges.ts'

/** Makes the error that says what is wrong with a part of the request. */
export type Refuse = (rule: string) => AppError

export interface PropertyCondition {
  name: string
  refuse: Refuse
  /** Any of these values; whether there is a value; or a comparison with one. */
  test: { any: readonly string[] } | { exists: boolean } | { comparison: Comparison; value: string }
}

/** Conditions on properties in one query: each is a lookup for each issue that is found. */
const maxConditions = 10
const maxValues = 100

const form = /^(?<name>[A-Za-z0-9_]{1,128})(?:\.(?<suffix>gt|gte|lt|lte|in|exists))?$/

const invalidParameter = (parameter: string, rule: string) =>
  new AppError('validation_failed', `The query parameter ${parameter} ${rule}`, {
    details: [{ pointer: `/${parameter}`, parameter, rule }],
  })

/**
 * @param given what follows `properties.` in a parameter's name, and its values
 * @throws AppError validation_failed
 */
export function parsePropertyConditions(
  given: Readonly<Record<string, string | readonly string[]>>,
): PropertyCondition[] {
  const entries = Object.entries(given)
  if (entries.length > maxConditions)
    throw invalidParameter('properties', `may be used at most ${maxConditions} times in one query`)
  return entries.map(([key, value]) => {
    const { name, suffix } = form.exec(key)?.groups ?? {}
    // The name as given could be a token in the wrong place.
    if (name === undefined)
      throw invalidParameter(
        'properties',
        'must have the form properties.<name>, with .gt, .gte, .lt, .lte, .in or .exists behind it or nothing',
      )
    const parameter = `properties.${key}`
    const refuse = (rule: string) => invalidParameter(parameter, rule)
    return { name, refuse, test: testOf(refuse, suffix, [value].flat()) }
  })
}

function testOf(refuse: Refuse, suffix: string | undefined, given: string[]): PropertyCondition['test'] {
  const values = suffix === 'in' ? given.flatMap((list) => list.split(',')) : given
  if (values.length > maxValues) throw refuse(`must have at most ${maxValues} values`)
  if (values.some((value) => value === '' || value.length > maxIndexedValue || value.includes('\0')))
    throw refuse(`must have from 1 to ${maxIndexedValue} characters in each value, and no NUL`)
  if (suffix === undefined || suffix === 'in') return { any: values }
  const [value = ''] = values
  if (values.length > 1) throw refuse('must be given once')
  if (suffix !== 'exists') return { comparison: suffix as Comparison, value }
  if (value !== 'true' && value !== 'false') throw refuse('must be true or false')
  return { exists: value === 'true' }
}

/** How values of a property are compared. list: several values of an enumeration, separated by `;`. */
export type ValueKind = 'text' | 'list' | 'number' | 'time'

const kinds = new Map<string | null, ValueKind>([
  ['number', 'number'],
  ['date', 'time'],
  ['datetime', 'time'],
  ['enumeration', 'list'],
])

/** @param type as HubSpot defines it; null: unknown */
export const kindOf = (type: string | null): ValueKind => kinds.get(type) ?? 'text'

const time = /^\d{4}-\d\d-\d\d(?:T\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?(?:Z|[+-]\d\d:\d\d))?$/

/**
 * A value in the form in which the database compares it with those of properties.
 *
 * @throws AppError validation_failed when it is not of this kind
 */
export function operandOf(kind: ValueKind, value: string, refuse: Refuse): string {
  if (kind === 'number') {
    if (!numberForm.test(value)) throw refuse('must be a number: the property is one')
    return value
  }
  if (kind !== 'time') return value
  const at = time.test(value)
    ? new Date(value)
    : millisecondsForm.test(value)
      ? new Date(Number(value))
      : undefined
  if (!at || Number.isNaN(at.getTime()) || !isDay(value))
    throw refuse(
      'must be a date such as 2026-11-25, or a time such as 2026-11-25T09:30:00Z: the property is one',
    )
  return at.toISOString().slice(0, 23)
}

/** A day that its month has: JavaScript would take the next month's. */
function isDay(value: string): boolean {
  const [, year, month, day] = /^(\d{4})-(\d\d)-(\d\d)/.exec(value) ?? []
  return day === undefined || Number(day) <= new Date(Date.UTC(Number(year), Number(month), 0)).getUTCDate()
}
