/** Wire schemas of tickets (live) and issues (our copy). */
import { z } from 'zod'
import { after, limit, nextAfter, pathId, tenantPath } from '../api/wire.ts'

export const ticketsQuery = z.strictObject({ limit: limit(1_000, 50), after })

const ticket = z
  .looseObject({ id: z.string(), properties: z.record(z.string(), z.unknown()) })
  .describe('As HubSpot returned it')
  .meta({
    id: 'Ticket',
    examples: [
      {
        id: '397940000006',
        properties: {
          subject: 'Can somebody call me about single sign-on?',
          hs_ticket_priority: 'MEDIUM',
          hs_pipeline_stage: '4',
          hs_lastmodifieddate: '2025-06-02T04:49:10.732Z',
        },
        createdAt: '2025-05-31T22:07:14.763Z',
        updatedAt: '2025-06-02T04:49:10.732Z',
        archived: false,
      },
    ],
  })

export const ticketsResponse = z.object({
  tickets: z.array(ticket),
  total_count: z
    .number()
    .nullable()
    .meta({
      description:
        'HubSpot’s own count; up to a minute old, or older if HubSpot does not return it; null: never returned',
      examples: [250],
    }),
  total_count_at: z.string().nullable().describe('null: never returned'),
  next_after: nextAfter,
})

const associated = z
  .array(
    z.object({
      id: z.string().describe('HubSpot’s id of the contact, company or deal'),
      labels: z.array(z.object({ category: z.string(), type_id: z.number(), label: z.string().nullable() })),
    }),
  )
  .nullable()
  .describe('null: not read because HubSpot does not allow it; see `resources` in the integration’s status')

export const issue = z
  .object({
    issue_id: z.string(),
    integration_id: z.string(),
    ticket_id: z.string().describe('HubSpot’s id'),
    subject: z.string().nullable(),
    content: z.string().nullable(),
    pipeline_id: z.string().nullable(),
    pipeline_name: z.string().nullable(),
    stage_id: z.string().nullable(),
    stage_name: z.string().nullable(),
    stage_closed: z.boolean().nullable().describe('Whether tickets in this stage count as closed'),
    priority: z.string().nullable(),
    category: z.string().nullable(),
    owner_id: z.string().nullable(),
    owner_name: z
      .string()
      .nullable()
      .describe('First and last name, or the email address if there is no name'),
    owner_email: z.string().nullable(),
    created_at: z.string().nullable().describe('null: unknown'),
    modified_at: z.string().nullable().describe('Time of the last change in HubSpot; null: unknown'),
    archived: z.boolean(),
    archived_at: z.string().nullable(),
    deleted_at: z
      .string()
      .nullable()
      .describe('When Spoke found that the ticket no longer exists in HubSpot'),
    merged_into: z.string().nullable().describe('HubSpot’s id of the ticket that this one was merged into'),
    url: z.string().nullable(),
    properties: z.record(z.string(), z.string().nullable()),
    associations: z
      .object({ contacts: associated, companies: associated, deals: associated })
      .nullable()
      .describe('null: never read'),
    synced_at: z.string().describe('When the stored content last changed'),
  })
  .meta({
    id: 'Issue',
    examples: [
      {
        issue_id: '01a2044e-3b22-7014-9cc8-9f60e5564519',
        integration_id: '01a2044e-3639-7888-95cf-ef6ead9b1a46',
        ticket_id: '397940000030',
        subject: 'Feature request: filters for the printer driver',
        content: 'Hi team, any workaround would help.',
        pipeline_id: '0',
        pipeline_name: 'Support Pipeline',
        stage_id: '4',
        stage_name: 'Closed',
        stage_closed: true,
        priority: 'MEDIUM',
        category: 'GENERAL_INQUIRY',
        owner_id: '48857036',
        owner_name: 'Ada Lovelace',
        owner_email: 'ada.lovelace@northwind-bikes.example.com',
        created_at: '2025-06-09T15:14:50.410Z',
        modified_at: '2025-06-09T18:33:36.923Z',
        archived: false,
        archived_at: null,
        deleted_at: null,
        merged_into: null,
        url: 'https://app.hubspot.com/contacts/25000195/record/0-5/397940000030',
        properties: { subject: 'Feature request: filters for the printer driver', hs_is_closed: 'true' },
        associations: {
          contacts: [{ id: '51', labels: [{ category: 'HUBSPOT_DEFINED', type_id: 16, label: null }] }],
          companies: [],
          deals: null,
        },
        synced_at: '2026-11-22T17:29:25.524Z',
      },
    ],
  })

/** Characters of the fields that a request names, with their commas. */
const fieldsLength = 8_000

/** Read with `fieldsOf`. */
const fieldList = z.array(z.string().max(fieldsLength)).min(1).max(200).optional()

const aboutFields = {
  description:
    'Only these fields of each issue, separated by commas or each alone; `properties.<name>` is one property. An issue then has these and its three ids only, whatever the schema of the response requires',
  examples: [['subject', 'stage_name', 'properties.amount']],
}

export const fieldsBody = fieldList.meta(aboutFields)

export const fieldsParameter = z
  .preprocess((given) => (given === undefined || Array.isArray(given) ? given : [given]), fieldList)
  .optional()
  .meta({ ...aboutFields, type: 'array', items: { type: 'string' } })

export const issueQuery = z.strictObject({ fields: fieldsParameter })

export const issuesResponse = z.object({
  issues: z.array(issue),
  next_after: nextAfter,
  count: z
    .number()
    .nullable()
    .meta({ description: 'How many issues the query finds; null: not requested', examples: [null] }),
  count_is: z
    .enum(['exact', 'at_least'])
    .nullable()
    .meta({
      description: 'at_least: there are more than 10,000, and they were not counted',
      examples: [null],
    }),
  highlights: z
    .record(
      z.string(),
      z.array(
        z.object({
          field: z.enum(['subject', 'content']),
          text: z.string().describe('The part of the field that has the words'),
          indices: z
            .array(z.tuple([z.number(), z.number()]))
            .describe('Where the words begin in `text`, and behind their last character, in UTF-16 units'),
        }),
      ),
    )
    .nullable()
    .meta({
      description: 'By issue id: where the words of `q` are; null: there is no `q`',
      examples: [null],
    }),
  indexing: z.array(z.string()).meta({
    description:
      'Integrations whose issues the query does not find yet, because their first load or the index that follows it is in progress. A list without a filter, sort or count has all issues',
    examples: [[]],
  }),
})

export const issuePath = tenantPath.extend({ issue_id: pathId('01a2044e-3b22-7014-9cc8-9f60e5564519') })
