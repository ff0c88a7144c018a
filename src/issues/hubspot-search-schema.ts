/** HubSpot's search of tickets, as its clients send it and read the response. */
import { z } from 'zod'
import { uuidText } from '../api/wire.ts'
import { isStorable } from './issue.ts'

export const searchOperators = [
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
] as const
export type SearchOperator = (typeof searchOperators)[number]

/** HubSpot's own limits (its guide to search, 2026). */
const [maxGroups, maxFilters, maxAllFilters] = [5, 6, 18]
/** Of a condition. HubSpot has a limit of the whole body instead: 3,000 characters. */
const maxValues = 100

/** Nothing else can be stored, so nothing equals it. */
const storable = 'must be well-formed text without NUL'

const name = z.string().min(1).max(200).refine(isStorable, storable)
const value = z
  .union([z.string(), z.number(), z.boolean()])
  .transform(String)
  .refine((text) => text.length <= 200, 'must have at most 200 characters')
  .refine(isStorable, storable)

const filter = z.strictObject({
  propertyName: name.describe('A property, or associations.contact, associations.company, associations.deal'),
  operator: z.enum(searchOperators),
  value: value.optional(),
  highValue: value.optional().describe('For BETWEEN'),
  values: z.array(value).max(maxValues).optional().describe('For IN and NOT_IN'),
})
export type SearchFilter = z.output<typeof filter>

const sort = z.union([
  name,
  z.strictObject({ propertyName: name, direction: z.enum(['ASCENDING', 'DESCENDING']).optional() }),
])

export const searchBody = z
  .strictObject({
    filterGroups: z
      .array(z.strictObject({ filters: z.array(filter).max(maxFilters) }))
      .max(maxGroups)
      .refine(
        (groups) => groups.reduce((sum, { filters }) => sum + filters.length, 0) <= maxAllFilters,
        `must have at most ${maxAllFilters} filters together`,
      )
      .optional()
      .describe('One of the groups must hold, and of a group all filters'),
    query: z
      .string()
      .max(500)
      .refine(isStorable, storable)
      .optional()
      .describe('Beginnings of words of the subject, the content or the ticket id'),
    sorts: z.array(sort).max(1).optional().describe('Absent: the oldest ticket first'),
    properties: z.array(name).max(1_000).optional(),
    limit: z.int().min(0).max(200).optional(),
    after: z
      .union([z.string(), z.number().transform(String)])
      .refine((text) => /^\d{0,9}$/.test(text), 'must be the paging.next.after of the page before')
      .optional(),
  })
  .meta({
    examples: [
      {
        filterGroups: [{ filters: [{ propertyName: 'hs_ticket_priority', operator: 'EQ', value: 'HIGH' }] }],
        sorts: [{ propertyName: 'hs_lastmodifieddate', direction: 'DESCENDING' }],
        properties: ['subject', 'hs_ticket_priority'],
        limit: 10,
      },
    ],
  })
export type SearchBody = z.output<typeof searchBody>

export const searchQuery = z.strictObject({
  integration_id: uuidText.optional().describe('Of one account; absent: of all of the tenant’s'),
})

export const searchResponse = z
  .object({
    total: z.number(),
    results: z.array(
      z.object({
        id: z.string(),
        issue_id: z.string().describe('Spoke’s id'),
        integration_id: z.string().describe('The account: ids of tickets are unique within it'),
        properties: z.record(z.string(), z.string().nullable()),
        createdAt: z.string(),
        updatedAt: z.string(),
        archived: z.literal(false),
        url: z.string().optional(),
      }),
    ),
    paging: z
      .object({ next: z.object({ after: z.string().describe('Send it as `after`') }) })
      .optional()
      .describe('Absent: this is the last page'),
    indexing: z.array(z.string()).describe('See `issues.list`'),
  })
  .meta({
    id: 'HubSpotSearchResults',
    examples: [
      {
        total: 1,
        results: [
          {
            id: '397940000030',
            issue_id: '01a2044e-3b22-7014-9cc8-9f60e5564519',
            integration_id: '01a2044e-3639-7888-95cf-ef6ead9b1a46',
            properties: {
              subject: 'Feature request: filters for the printer driver',
              hs_ticket_priority: 'HIGH',
              createdate: '2025-06-09T15:14:50.410Z',
              hs_lastmodifieddate: '2025-06-09T18:33:36.923Z',
              hs_object_id: '397940000030',
            },
            createdAt: '2025-06-09T15:14:50.410Z',
            updatedAt: '2025-06-09T18:33:36.923Z',
            archived: false,
            url: 'https://app.hubspot.com/contacts/25000195/record/0-5/397940000030',
          },
        ],
        indexing: [],
      },
    ],
  })

/** At the path of HubSpot's clients, with the ids of that path. */
export const clientSearchResponse = z
  .object(searchResponse.shape)
  .meta({ id: 'HubSpotClientSearchResults', examples: searchResponse.meta()?.examples })
