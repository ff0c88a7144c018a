/** Wire schemas of tickets (live) and issues (our copy). */
import { z } from 'zod'
import { after, limit, uuidText } from '../api/wire.ts'

export const ticketsQuery = z.strictObject({ limit: limit(1_000, 50), after })

export const ticketsResponse = z.object({
  success: z.literal(true),
  tickets: z.array(z.looseObject({ id: z.string(), properties: z.record(z.string(), z.unknown()) })),
  total_count: z
    .number()
    .nullable()
    .describe(
      'HubSpot’s own count; up to a minute old, or older if HubSpot does not return it; null: never returned',
    ),
  total_count_at: z.string().nullable(),
  tenant_id: z.string(),
  integration_id: z.string(),
  next_after: z.string().nullable(),
})

export const issuesQuery = z.strictObject({
  limit: limit(200, 50),
  after,
  integration_id: uuidText.optional(),
  archived: z
    .enum(['true', 'false'])
    .optional()
    .describe('true: only tombstones; false: only tickets that are live in HubSpot; absent: both'),
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
  .meta({ id: 'Issue' })

export const issuesResponse = z.object({
  success: z.literal(true),
  tenant_id: z.string(),
  issues: z.array(issue),
  next_after: z.string().nullable(),
})

export const issueResponse = issue.extend({ success: z.literal(true), tenant_id: z.string() })

export const issuePath = z.object({ tenant_id: uuidText, issue_id: uuidText })
