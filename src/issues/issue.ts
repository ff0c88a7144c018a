/** Maps a HubSpot ticket to an issue and sanitizes what a database cannot store. Pure. */
import { parseTime, toTime } from '../hubspot/time.ts'
import { newId } from '../lib/ids.ts'

/**
 * One row as the upsert takes it; the names are those of the columns, so that it goes to SQL
 * unchanged. The database derives the single-property columns (subject, stage, owner and so on)
 * from `properties`.
 */
export interface IssueRow {
  ticket_id: string
  issue_id: string
  ticket_created_at: string | null
  /** 1970-01-01 if HubSpot does not know it: older than any known time. */
  modified_at: string
  archived: boolean
  archived_at: string | null
  url: string | null
  properties: Record<string, string | null>
}

/** A row, and what was sanitized so that a database can store it. */
export interface MappedIssue {
  row: IssueRow
  /** undefined: nothing was sanitized. */
  repaired: string | undefined
}

export interface RejectedRecord {
  /** HubSpot's id, if it could be read. */
  id: string | undefined
  reason: string
}

/** HubSpot's own limit is 65,536 characters per value; a value longer than this is truncated. */
const maxValueLength = 131_072

/** Whether PostgreSQL can store it: no NUL, no unpaired surrogate. */
export const isStorable = (text: string): boolean => !text.includes('\u0000') && text.isWellFormed()

export const sanitizeText = (text: string): string =>
  isStorable(text) ? text : text.replaceAll('\u0000', '').toWellFormed()

/** A record as received from HubSpot, not validated yet. */
interface UnvalidatedRecord {
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
 * Hand-written instead of a schema: this runs for every ticket of every page, and was a fifth of
 * the work of a first load.
 *
 * @returns the row and what was sanitized in it, or why this record cannot be stored
 */
export function toIssue(record: unknown): MappedIssue | RejectedRecord {
  const given: UnvalidatedRecord = isObject(record) ? record : {}
  const id = idOf(given.id)
  if (id === undefined) {
    const shown =
      typeof given.id === 'string' ? sanitizeText(given.id).slice(0, 64).toWellFormed() : undefined
    return { id: shown, reason: 'it has no HubSpot id' }
  }
  if (given.oversize === true) return { id, reason: 'its values are too long for one response' }
  if (!isObject(given.properties)) return { id, reason: 'it has no properties' }
  const { updatedAt, createdAt, archivedAt, url } = given
  const archived = given.archived === true
  const repairs: string[] = []
  const properties = asProperties(given.properties, repairs)
  const { hs_lastmodifieddate: lastModified } = properties
  const modified =
    toTime(lastModified) ?? toTime(updatedAt) ?? parseTime(lastModified) ?? parseTime(updatedAt)
  if (!modified) return { id, reason: 'it has no last-modified time' }
  const row: IssueRow = {
    ticket_id: id,
    issue_id: newId(),
    ticket_created_at: toTime(properties.createdate) ?? toTime(createdAt),
    modified_at: modified,
    archived,
    archived_at: archived ? toTime(archivedAt) : null,
    url: safeLink(url),
    properties,
  }
  return { row, repaired: repairs.length > 0 ? repairs.join('; ') : undefined }
}

/**
 * HubSpot's link to a record, for display in a web page. Only https: other schemes may run code
 * there.
 */
export function safeLink(url: unknown): string | null {
  return typeof url === 'string' && /^https:\/\/[^\s\0]{1,2000}$/i.test(url) ? sanitizeText(url) : null
}

/**
 * Returns `given` itself if a database can store it, which is nearly always: copying it cost as
 * much as reading it.
 */
function asProperties(given: Record<string, unknown>, repairs: string[]): Record<string, string | null> {
  if (areStorable(given)) return given
  const properties: Record<string, string | null> = {}
  for (const [name, value] of Object.entries(given))
    properties[sanitizeText(name)] = asValue(name, value, repairs)
  return properties
}

function areStorable(given: Record<string, unknown>): given is Record<string, string | null> {
  for (const name in given) {
    const value = given[name]
    if (!isStorable(name)) return false
    if (value === null) continue
    if (typeof value !== 'string' || value.length > maxValueLength || !isStorable(value)) return false
  }
  return true
}

/** HubSpot's values are text or null; anything else is stored as JSON, so that nothing is lost. */
function asValue(name: string, value: unknown, repairs: string[]): string | null {
  if (value === null || value === undefined) return null
  const given = typeof value === 'string' ? value : JSON.stringify(value)
  const sanitized = sanitizeText(given)
  if (sanitized !== given)
    repairs.push(`${sanitizeText(name)}: removed characters that the database cannot store`)
  if (sanitized.length <= maxValueLength) return sanitized
  repairs.push(`${sanitizeText(name)}: cut from ${sanitized.length} to ${maxValueLength} characters`)
  return sanitized.slice(0, maxValueLength).toWellFormed()
}

export const isRejected = (mapped: MappedIssue | RejectedRecord): mapped is RejectedRecord =>
  'reason' in mapped
