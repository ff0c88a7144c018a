/** Parts of request and response schemas that all routes share. */
import { z } from 'zod'
import { eventTypes } from '../lib/event-types.ts'
import '../lib/zod-messages.ts'

/** A UUID in a path, in upper or lower case; converted to lower case. */
const uuid = z
  .string()
  .regex(/^[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}$/, 'must be a UUID')
  .toLowerCase()
  .meta({ format: 'uuid' })

/** An id in a path. The example appears wherever the document has this id. */
export const pathId = (example: string) => uuid.meta({ examples: [example] })

export const tenantPath = z.object({ tenant_id: pathId('5f0e0f4e-6a0b-4c39-9a53-0d6a4e0c7f11') })
export const integrationPath = tenantPath.extend({
  integration_id: pathId('01a2044e-3639-7888-95cf-ef6ead9b1a46'),
})
export const uuidText = uuid

/** Of a response that is one page of a list. */
export const nextAfter = z
  .string()
  .nullable()
  .describe('Pass it as `after` for the next page; null: this is the last one')

/**
 * Digits only: other forms that JavaScript reads as a number (1e1, 0x10, 1.0, spaces) are refused.
 */
export const limit = (most: number, byDefault: number) =>
  z
    .string()
    .regex(/^[1-9][0-9]{0,4}$/, `must be a whole number from 1 to ${most}`)
    .transform(Number)
    .refine((count) => count <= most, `must be a whole number from 1 to ${most}`)
    .default(byDefault)
    .meta({ type: 'integer', minimum: 1, maximum: most })
    .describe(`Maximum number of items; ${byDefault} by default`)

/** A query string without parameters: any is refused. */
export const noQuery = z.strictObject({})

export const after = z.string().min(1).max(1_024).optional().describe('The next_after of the previous page')

export const eventType = z.enum(eventTypes)

/** A time in the format of all responses. */
export const toIso = (time: Date | null): string | null => time?.toISOString() ?? null

type IsoTimes<Row> = {
  [Name in keyof Row]: Date extends Row[Name] ? Exclude<Row[Name], Date> | string : Row[Name]
}

/**
 * The row of a table as a response shows it: with its times in their format. The response's schema
 * leaves out the columns that it does not name.
 */
export const isoTimes = <Row extends object>(row: Row): IsoTimes<Row> =>
  Object.fromEntries(
    Object.entries(row).map(([name, value]) => [name, value instanceof Date ? value.toISOString() : value]),
  ) as IsoTimes<Row>

/**
 * Accepts any offset and converts to UTC. Limited to 1970 to 9999, which every date parser can
 * read.
 */
export const time = z.iso
  .datetime({ offset: true, error: 'must be a time such as 2026-11-25T09:30:00Z' })
  .transform((text) => new Date(text))
  .refine((at) => at.getTime() >= 0 && at.getTime() < 253_402_300_800_000, 'must be from 1970 to 9999')
  .transform((at) => at.toISOString())
  .meta({ type: 'string', format: 'date-time' })

/** The row behind a response object: the same fields, with these times as dates. */
export type RowOf<Shown, Times extends keyof Shown> = Omit<Shown, Times> & {
  [Time in Times]: Date | Exclude<Shown[Time], string>
}

/** Extends the object and keeps its example, which `extend` drops. */
export const extended = <Fields extends z.ZodRawShape, More extends z.ZodRawShape>(
  object: z.ZodObject<Fields>,
  more: More,
) => object.extend(more).meta({ examples: object.meta()?.examples })

/**
 * Makes the object a whole response: adds `success` and these ids. The OpenAPI document names it after the object, if that has a
 * name.
 *
 * @param ids further fields, before those of the object
 */
export function responseOf<Fields extends z.ZodRawShape>(
  object: z.ZodObject<Fields>,
  ids: z.ZodRawShape = {},
) {
  const { id, examples } = object.meta() ?? {}
  const fields = { success: z.literal(true), ...ids, ...object.shape }
  return z.object(fields).meta({ examples, ...(id === undefined ? {} : { title: `${id}Response` }) })
}

/** The one error object, which fits both the specification and RFC 9457. */
export const problem = z
  .object({
    success: z.literal(false),
    error: z.string(),
    code: z.string().describe('Stable: check it, not the text'),
    request_id: z.string().describe('Also in the header Request-Id, and in the log'),
    type: z.string(),
    title: z.string(),
    status: z.number(),
    detail: z.string(),
    errors: z
      .array(
        z.object({
          pointer: z.string(),
          parameter: z.string().optional().describe('The invalid query parameter'),
          rule: z.string(),
        }),
      )
      .optional(),
  })
  .meta({
    id: 'Problem',
    examples: [
      {
        success: false,
        error: 'Integration not found',
        code: 'integration_not_found',
        request_id: '01a2044d-931b-7036-973b-bd405adddab6',
        type: 'urn:spoke:problem:integration_not_found',
        title: 'Integration not found',
        status: 404,
        detail: 'Integration not found',
      },
    ],
  })
