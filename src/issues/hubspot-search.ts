/** HubSpot's search, answered from our copy: its sort, its pages and how it shows a ticket. Pure. */
import type { z } from 'zod'
import type { SearchBody, searchResponse } from './hubspot-search-schema.ts'
import type { StoredIssue } from './store.ts'

/** Returned when a search names no properties, as in recorded responses. */
const defaultProperties = [
  'content',
  'createdate',
  'hs_lastmodifieddate',
  'hs_object_id',
  'hs_pipeline',
  'hs_pipeline_stage',
  'hs_ticket_category',
  'hs_ticket_priority',
  'subject',
]
/** Returned with any others. */
const alwaysReturned = ['createdate', 'hs_lastmodifieddate', 'hs_object_id']

export interface SearchSort {
  property: string
  descending: boolean
}

export function searchSortOf({ sorts }: SearchBody): SearchSort {
  const [rule] = sorts ?? []
  if (rule === undefined) return { property: 'createdate', descending: false }
  if (typeof rule === 'string') return { property: rule.replace(/^-/, ''), descending: rule.startsWith('-') }
  return { property: rule.propertyName, descending: rule.direction === 'DESCENDING' }
}

/** Where a page begins: HubSpot counts results, so a change may move one across the bound of a page. */
export const offsetOf = ({ after }: SearchBody): number => Number(after || 0)

/** The properties to show; HubSpot ignores names that do not exist. */
export const searchedProperties = ({ properties = [] }: SearchBody): readonly string[] =>
  properties.length > 0 ? [...new Set([...properties, ...alwaysReturned])] : defaultProperties

type Result = z.infer<typeof searchResponse>['results'][number]

export function presentResult(issue: StoredIssue, names: readonly string[]): Result {
  const { created_at, modified_at, ticket_id, issue_id, integration_id, url } = issue
  const known = names.filter((name) => Object.hasOwn(issue.properties, name))
  return {
    id: ticket_id,
    issue_id,
    integration_id,
    // An empty value is null in HubSpot's responses.
    properties: Object.fromEntries(known.map((name) => [name, issue.properties[name] || null])),
    createdAt: (created_at ?? new Date(0)).toISOString(),
    updatedAt: (modified_at ?? new Date(0)).toISOString(),
    archived: false,
    ...(url === null ? {} : { url }),
  }
}
