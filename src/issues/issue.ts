/** HubSpot's ticket becomes our issue: the one place that knows both shapes. Pure; mends what a database cannot hold. */
import { asTime, parseTime } from '../hubspot/time.ts'
import { newId } from '../lib/ids.ts'

/**
 * One row as the upsert takes it: the columns' names, so that it goes to SQL as it stands. The columns of single
 * properties (subject, stage, owner and so on) follow from the bag in the database itself.
 */
export interface IssueRow {
  ticket_id: string
  issue_id: string
  ticket_created_at: string | null
  /** The beginning of 1970 where HubSpot does not know: older than all that it knows. */
  modified_at: string
  archived: boolean
  archived_at: string | null
  url: string | null
  properties: Record<string, string | null>
}

/** A row, and what had to be mended so that a database can hold it. */
export interface MappedIssue {
  row: IssueRow
  /** undefined: nothing. */
  repaired: string | undefined
}

export interface RejectedRecord {
  /** HubSpot's id, where it could be read. */
  id: string | undefined
  reason: string
}

/** HubSpot's own bound is 65,536 characters a value; what is longer than this is kept cut. */
const longestValue = 131_072

/** Whether PostgreSQL can hold it: no NUL, no half of a surrogate pair. */
const isWhole = (text: string): boolean => !text.includes('\u0000') && text.isWellFormed()

export const mend = (text: string): string =>
  isWhole(text) ? text : text.replaceAll('\u0000', '').toWellFormed()

/** A record as HubSpot gives it, before anything of it is believed. */
interface Given {
  id?: unknown
  properties?: unknown
  createdAt?: unknown
  updatedAt?: unknown
  archived?: unknown
  archivedAt?: unknown
  url?: unknown
  oversize?: unknown
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

function idOf(given: unknown): string | undefined {
  if (typeof given === 'number') return Number.isSafeInteger(given) && given >= 0 ? String(given) : undefined
  return typeof given === 'string' && /^\d{1,20}$/.test(given) ? given : undefined
}

/**
 * By hand and not by a schema: this runs for every ticket of every page, and was a fifth of a first load's work.
 *
 * @returns the row with what was mended in it, or why this record cannot be kept
 */
export function toIssue(record: unknown): MappedIssue | RejectedRecord {
  const given: Given = isObject(record) ? record : {}
  const id = idOf(given.id)
  if (id === undefined) {
    const shown = typeof given.id === 'string' ? mend(given.id).slice(0, 64).toWellFormed() : undefined
    return { id: shown, reason: 'it has no id of HubSpot’s' }
  }
  if (given.oversize === true) return { id, reason: 'its values are longer than an answer may be' }
  if (!isObject(given.properties)) return { id, reason: 'it has no properties' }
  const { updatedAt, createdAt, archivedAt, url } = given
  const archived = given.archived === true
  const repairs: string[] = []
  const properties = asProperties(given.properties, repairs)
  const { hs_lastmodifieddate: lastModified } = properties
  const modified =
    asTime(lastModified) ?? asTime(updatedAt) ?? parseTime(lastModified) ?? parseTime(updatedAt)
  if (!modified) return { id, reason: 'it has no time of last change' }
  const row: IssueRow = {
    ticket_id: id,
    issue_id: newId(),
    ticket_created_at: asTime(properties.createdate) ?? asTime(createdAt),
    modified_at: modified,
    archived,
    archived_at: archived ? asTime(archivedAt) : null,
    url: linkOf(url),
    properties,
  }
  return { row, repaired: repairs.length > 0 ? repairs.join('; ') : undefined }
}

/** HubSpot's link to a record, which somebody's page will show: https alone, since other schemes may run something there. */
export function linkOf(url: unknown): string | null {
  return typeof url === 'string' && /^https:\/\/[^\s\0]{1,2000}$/i.test(url) ? mend(url) : null
}

/** The bag itself where a database can hold it, which is nearly always: copying it cost as much as reading it. */
function asProperties(given: Record<string, unknown>, repairs: string[]): Record<string, string | null> {
  if (isSound(given)) return given
  const properties: Record<string, string | null> = {}
  for (const [name, value] of Object.entries(given)) properties[mend(name)] = asValue(name, value, repairs)
  return properties
}

function isSound(given: Record<string, unknown>): given is Record<string, string | null> {
  for (const name in given) {
    const value = given[name]
    if (!isWhole(name)) return false
    if (value === null) continue
    if (typeof value !== 'string' || value.length > longestValue || !isWhole(value)) return false
  }
  return true
}

/** HubSpot's values are text or null; anything else is kept as its JSON, so that nothing is lost. */
function asValue(name: string, value: unknown, repairs: string[]): string | null {
  if (value === null || value === undefined) return null
  const given = typeof value === 'string' ? value : JSON.stringify(value)
  const mended = mend(given)
  if (mended !== given) repairs.push(`${mend(name)}: characters that no database keeps were taken out`)
  if (mended.length <= longestValue) return mended
  repairs.push(`${mend(name)}: cut from ${mended.length} to ${longestValue} characters`)
  return mended.slice(0, longestValue).toWellFormed()
}

export const isRejected = (mapped: MappedIssue | RejectedRecord): mapped is RejectedRecord =>
  'reason' in mapped
