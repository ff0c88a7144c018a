/** Which fields of an issue a request asks for. Pure. */
import { AppError } from '../lib/errors.ts'
import { nearestName } from '../lib/nearest-name.ts'
import { issue } from './schema.ts'

export interface IssueFields {
  /** Whether this field is asked for as a whole. */
  has(name: string): boolean
  /** Single properties that are asked for, as `properties.<name>`. */
  properties: readonly string[]
}

/** In the order of a response. */
export const fieldNames: readonly string[] = Object.keys(issue.shape)

export const allFields: IssueFields = { has: () => true, properties: [] }

/** An issue always has these, so that it can be told from others. */
export const idFields = ['issue_id', 'integration_id', 'ticket_id']

/** Names in one request: each property is a lookup in each issue. */
const maxFields = 200

const propertyForm = /^properties\.([A-Za-z0-9_]{1,128})$/

/** @param at position of the name, from 1; names are not repeated, since one may be a token in the wrong place */
export const unknownField = (at: number, near: string | undefined) =>
  invalidFields(
    `has a name at position ${at} that is no field of an issue${near ? ` (did you mean ${near}?)` : ''}`,
  )

const invalidFields = (rule: string) =>
  new AppError('validation_failed', `fields ${rule}`, { details: [{ pointer: '/fields', rule }] })

/** The names in a request, in its order and each once. */
export const namesIn = (given: readonly string[]): string[] => [
  ...new Set(given.flatMap((list) => list.split(','))),
]

/**
 * @param given lists of names, each separated by commas; undefined: all fields
 * @throws AppError validation_failed for a name that no issue has
 */
export function fieldsOf(given: readonly string[] | undefined): IssueFields | undefined {
  if (given === undefined) return undefined
  const names = namesIn(given)
  if (names.length > maxFields) throw invalidFields(`must have at most ${maxFields} names`)
  const properties = names.flatMap((name, at) => {
    if (fieldNames.includes(name)) return []
    const property = propertyForm.exec(name)?.[1]
    if (property === undefined) throw unknownField(at + 1, nearestName(name, fieldNames))
    return [property]
  })
  const asked = new Set([...idFields, ...names])
  return { has: (name) => asked.has(name), properties }
}

/** What must be read to show these fields, and these others. */
export const fieldsAnd = (fields: IssueFields, others: readonly string[]): IssueFields => ({
  has: (name) => fields.has(name) || others.includes(name),
  properties: fields.properties,
})
