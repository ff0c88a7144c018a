/** The parameters of a query for issues, as they arrive. */
import { z } from 'zod'
import { after, limit, time, uuidText } from '../api/wire.ts'
import { fieldsParameter } from './schema.ts'

/** Characters of a text that is searched for. */
export const maxTextLength = 500

/** Values of one parameter. */
const maxValues = 100

/** Characters of a value that a query can name. */
export const maxValueLength = 200

const text = z
  .string()
  .min(1)
  .max(maxValueLength)
  // PostgreSQL cannot store it, so nothing can equal it.
  .refine((value) => !value.includes('\0'), 'must not contain NUL')

/** A parameter that may be repeated: any of its values. */
const anyOf = (value: z.ZodType<string>, description: string, example: string) =>
  z
    .preprocess(
      (given) => (given === undefined || Array.isArray(given) ? given : [given]),
      z.array(value).max(maxValues).optional(),
    )
    .optional()
    .meta({
      description: `${description}. Repeat the parameter for several: any of them, at most ${maxValues}.`,
      type: 'array',
      items: { type: 'string' },
      maxItems: maxValues,
      examples: [[example]],
    })

const yesOrNo = (description: string) => z.enum(['true', 'false']).optional().describe(description)

/** Four parameters: from and to, each with and without the time itself. */
const range = <Name extends string>(name: Name, what: string) =>
  ({
    [`${name}.gt`]: time.optional().describe(`${what} after this time`),
    [`${name}.gte`]: time.optional().describe(`${what} at or after this time`),
    [`${name}.lt`]: time.optional().describe(`${what} before this time`),
    [`${name}.lte`]: time.optional().describe(`${what} at or before this time`),
  }) as Record<`${Name}.${'gt' | 'gte' | 'lt' | 'lte'}`, z.ZodOptional<typeof time>>

export const hubSpotId = z.string().regex(/^\d{1,20}$/, 'must be HubSpot’s id, in digits')

export const sorts = ['created_at', '-created_at', 'modified_at', '-modified_at'] as const

/** Conditions on issues; all that are given must hold. */
const conditions = {
  integration_id: uuidText.optional(),
  archived: yesOrNo('true: only tombstones; false: only tickets that are live in HubSpot; absent: both'),
  ticket_id: anyOf(hubSpotId, 'HubSpot’s id of the ticket', '397940000030'),
  q: z
    .string()
    .min(1)
    .max(maxTextLength)
    .refine((value) => !value.includes('\0'), 'must not contain NUL')
    .optional()
    .meta({
      description:
        'Words of the subject, the content or the ticket id, in any order, without regard to case and accents. `"…"`: words that follow each other; `-word`: must not occur. The last word may be unfinished. Without `sort`, the best matches first, among the 1,000 that changed last',
      examples: ['printer "on fire" -solved'],
    }),
  properties: z
    .record(z.string(), z.union([z.string(), z.array(z.string())]))
    .optional()
    .meta({
      description:
        'Conditions on any property of the account: `properties.<name>=value` (repeat it for several: any of them), `.in` with a list separated by commas, `.exists` with true or false, and `.gt`, `.gte`, `.lt`, `.lte` for numbers and times. At most 10. Values are compared as the property’s type; a value of more than 200 characters is not found',
      propertyNames: { pattern: '^properties\\.[A-Za-z0-9_]+(\\.(gt|gte|lt|lte|in|exists))?$' },
    }),
  contact_id: anyOf(hubSpotId, 'HubSpot’s id of an associated contact', '51'),
  company_id: anyOf(hubSpotId, 'HubSpot’s id of an associated company', '7001'),
  deal_id: anyOf(hubSpotId, 'HubSpot’s id of an associated deal', '9001'),
  pipeline_id: anyOf(text, 'Id of the pipeline', '0'),
  pipeline_name: anyOf(text, 'Name of the pipeline, exactly', 'Support Pipeline'),
  stage_id: anyOf(text, 'Id of the stage', '4'),
  stage_name: anyOf(text, 'Name of the stage, exactly', 'Waiting on us'),
  closed: yesOrNo('Whether the stage counts as closed in HubSpot'),
  owner_id: anyOf(text, 'Id of the owner', '48857036'),
  owner_name: anyOf(text, 'Name of the owner, exactly', 'Ada Lovelace'),
  owner_email: anyOf(text, 'Email address of the owner, exactly', 'ada.lovelace@northwind-bikes.example.com'),
  'owner_id.exists': yesOrNo('Whether the ticket has an owner'),
  priority: anyOf(text, 'Priority, as HubSpot stores it', 'HIGH'),
  'priority.exists': yesOrNo('Whether the ticket has a priority'),
  category: anyOf(text, 'Category, as HubSpot stores it', 'GENERAL_INQUIRY'),
  'category.exists': yesOrNo('Whether the ticket has a category'),
  ...range('created_at', 'Created in HubSpot'),
  ...range('modified_at', 'Last changed in HubSpot'),
  ...range('synced_at', 'Last changed here'),
  ...range('archived_at', 'Archived'),
  ...range('deleted_at', 'Found to be deleted'),
}

const sort = z
  .enum(sorts)
  .optional()
  .describe(
    'With a minus: the newest first. Absent: with `q`, the best matches first; otherwise in the order in which they were first saved',
  )

export const issuesQuery = z.strictObject({
  limit: limit(200, 50),
  after,
  ...conditions,
  sort,
  fields: fieldsParameter,
  count: z
    .enum(['exact', 'estimated'])
    .optional()
    .describe(
      'exact: counts what the query finds; it takes longer the more there are, so leave it out on later pages. estimated: stops at 10,000',
    ),
})

export const exportQuery = z
  .strictObject({
    ...conditions,
    sort,
    fields: fieldsParameter,
    format: z.enum(['ndjson', 'csv']).default('ndjson').describe('ndjson: a JSON object for each line'),
    csv_safe: yesOrNo(
      'true: puts an apostrophe before each value in CSV that a spreadsheet would calculate. Such values are then not as in HubSpot',
    ),
  })
  .refine(({ format, csv_safe }) => csv_safe === undefined || format === 'csv', {
    path: ['csv_safe'],
    error: 'is for format=csv only',
  })

export type ExportQuery = z.output<typeof exportQuery>

export type IssuesQuery = z.output<typeof issuesQuery>

export const facetsQuery = z.strictObject({
  ...conditions,
  interval: z
    .enum(['hour', 'day', 'week', 'month'])
    .optional()
    .describe('Also counts the issues of each hour, day, week from Monday, or month, in UTC'),
  time: z
    .enum(['created_at', 'modified_at'])
    .default('created_at')
    .describe('The time that `interval` counts by'),
})

export type FacetsQuery = z.output<typeof facetsQuery>

/** The conditions of either. */
export type IssueConditions = Pick<IssuesQuery, keyof typeof conditions>
