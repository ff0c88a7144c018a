/** HubSpot's ticket becomes our issue: the one place that knows both shapes. Pure; mends what a database cannot hold. */
import { z } from 'zod'
import { newId } from '../lib/ids.ts'

/** One row as the upsert takes it: the columns' names, so that it goes to SQL as it stands. */
export interface IssueRow {
  ticket_id: string
  issue_id: string
  subject: string | null
  content: string | null
  pipeline_id: string | null
  stage_id: string | null
  priority: string | null
  category: string | null
  owner_id: string | null
  ticket_created_at: string | null
  modified_at: string
  archived: boolean
  archived_at: string | null
  url: string | null
  properties: Record<string, string | null>
}

export interface RejectedRecord {
  /** HubSpot's id, where it could be read. */
  id: string | undefined
  reason: string
}

const ticket = z.object({
  id: z.union([z.string().regex(/^\d{1,20}$/), z.number().int().nonnegative().transform(String)]),
  properties: z.record(z.string(), z.unknown()),
  createdAt: z.unknown().optional(),
  updatedAt: z.unknown().optional(),
  archived: z.boolean().optional(),
  archivedAt: z.unknown().optional(),
  url: z.unknown().optional(),
})

/** Text as PostgreSQL can hold it: no NUL, no half of a surrogate pair. */
export const mend = (text: string): string => text.replaceAll('\u0000', '').toWellFormed()

const asText = (value: unknown): string | null =>
  value === null || value === undefined || value === '' ? null : mend(String(value))

/**
 * HubSpot gives ISO 8601, in places epoch milliseconds as text; both become ISO. null when it is neither, or lies
 * outside the years that PostgreSQL reads in this form (a create date is the customer's to set).
 */
export function asTime(value: unknown): string | null {
  if (typeof value !== 'string' && typeof value !== 'number') return null
  const time = new Date(/^-?\d{10,}$/.test(String(value)) ? Number(value) : value)
  const year = time.getUTCFullYear()
  return year >= 1 && year <= 9999 ? time.toISOString() : null
}

/** @returns the row, or why this record cannot be kept */
export function toIssue(record: unknown): IssueRow | RejectedRecord {
  const read = ticket.safeParse(record)
  if (!read.success) {
    const at = read.error.issues[0]?.path.join('.') || 'record'
    const id = (record as { id?: unknown } | null)?.id
    return {
      id: typeof id === 'string' ? mend(id).slice(0, 64) : undefined,
      reason: `${at} is not of HubSpot's shape`,
    }
  }
  const { id, updatedAt, createdAt, archived = false, archivedAt, url } = read.data
  const properties = Object.fromEntries(
    Object.entries(read.data.properties).map(([name, value]) => [mend(name), asValue(value)]),
  )
  const modified = asTime(properties.hs_lastmodifieddate) ?? asTime(updatedAt)
  if (!modified) return { id, reason: 'no time of last change' }
  return {
    ticket_id: id,
    issue_id: newId(),
    subject: asText(properties.subject),
    content: asText(properties.content),
    pipeline_id: asText(properties.hs_pipeline),
    stage_id: asText(properties.hs_pipeline_stage),
    priority: asText(properties.hs_ticket_priority),
    category: asText(properties.hs_ticket_category),
    owner_id: asText(properties.hubspot_owner_id),
    ticket_created_at: asTime(properties.createdate) ?? asTime(createdAt),
    modified_at: modified,
    archived,
    archived_at: archived ? asTime(archivedAt) : null,
    url: typeof url === 'string' ? mend(url) : null,
    properties,
  }
}

/** HubSpot's values are text or null; anything else is kept as its JSON, so that nothing is lost. */
function asValue(value: unknown): string | null {
  if (value === null || value === undefined) return null
  return mend(typeof value === 'string' ? value : JSON.stringify(value))
}

export const isRejected = (mapped: IssueRow | RejectedRecord): mapped is RejectedRecord => 'reason' in mapped
