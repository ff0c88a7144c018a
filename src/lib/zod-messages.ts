/**
 * Plain sentences in place of zod's own. They follow a name, as in "sync_type must be one of full,
 * incremental", and never quote the input. Importing this file sets them for every schema without a
 * message of its own.
 */
import { z } from 'zod'
import { nearestName } from './nearest-name.ts'

z.config({ localeError: zodMessage })

function zodMessage(issue: z.core.$ZodRawIssue): string {
  switch (issue.code) {
    case 'invalid_type':
      return issue.input === undefined ? 'is required' : `must be ${nounOf(issue.expected)}`
    case 'invalid_value':
      return oneOfMessage(issue.values.map(String), issue.input)
    case 'too_small':
      return size('at least', issue.minimum, issue.origin)
    case 'too_big':
      return size('at most', issue.maximum, issue.origin)
    case 'invalid_format':
      return formats[issue.format] ?? 'does not have the expected format'
    case 'not_multiple_of':
      return `must be a multiple of ${issue.divisor}`
    case 'unrecognized_keys':
      return unknownKeys(issue.keys, namesOf(issue.inst))
    case 'invalid_union':
      return 'does not match any of the allowed forms'
    default:
      return 'is not allowed'
  }
}

/** "must be one of a, b", with the nearest value if there are many. */
export function oneOfMessage(values: readonly string[], input: unknown): string {
  if (values.length === 1) return `must be ${values[0]}`
  const near = values.length > 4 && typeof input === 'string' ? nearestName(input, values) : undefined
  return `must be one of ${values.join(', ')}${near ? `; the nearest is ${near}` : ''}`
}

/** The number of unknown keys reported one by one: a body may have thousands. */
const maxKeys = 10
/** Known names that are listed; of more, only the nearest is. */
const maxNames = 20

/**
 * One line for each of the first unknown keys, in their order. The keys themselves are left to the
 * caller, because one may be a secret pasted in the wrong place.
 */
function unknownKeys(keys: readonly string[], names: readonly string[]): string {
  const known =
    names.length === 0
      ? 'none exists'
      : names.length > maxNames
        ? 'the API reference lists the known ones'
        : `known: ${names.join(', ')}`
  return keys
    .slice(0, maxKeys)
    .map((key) => {
      const near = nearestName(key, names)
      return `is not a known field (${near ? `did you mean ${near}? ` : ''}${known})`
    })
    .join('\n')
}

const namesOf = (inst: unknown): string[] =>
  inst instanceof z.ZodObject ? Object.keys(inst.shape).sort() : []

const formats: Record<string, string> = {
  uuid: 'must be a UUID',
  url: 'must be a URL',
  datetime: 'must be a time such as 2026-11-25T09:30:00Z',
}

const nouns: Record<string, string> = {
  string: 'a string',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  object: 'an object',
  record: 'an object',
  array: 'an array',
  null: 'null',
}

const nounOf = (expected: string): string => nouns[expected] ?? 'of another type'

function size(bound: string, count: number | bigint, origin: string): string {
  if (origin === 'string') return `must have ${bound} ${count} character${count === 1 ? '' : 's'}`
  if (origin === 'array' || origin === 'set')
    return `must have ${bound} ${count} item${count === 1 ? '' : 's'}`
  return `must be ${bound} ${count}`
}
