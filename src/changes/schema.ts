/** What goes over the wire about changes. */
import { z } from 'zod'
import { limit } from '../api/wire.ts'

const cursor = z.string().min(1).max(1_024).optional()

export const changesQuery = z.strictObject({
  after: cursor.describe(
    'A cursor of the feed, or `now`: nothing yet, and where it ends. Absent: the oldest that is kept',
  ),
  limit: limit(1_000, 100),
  wait: z
    .string()
    .regex(/^([0-9]|[12][0-9]|30)$/, 'must be a whole number of seconds from 0 to 30')
    .transform(Number)
    .default(0)
    .meta({ type: 'integer', minimum: 0, maximum: 30 })
    .describe('Seconds to wait for news where there is none yet'),
})

export const change = z
  .object({
    cursor: z.string().describe('Whoever has seen this change goes on behind it'),
    change_id: z.string().describe('Never given twice'),
    type: z.string(),
    at: z.string(),
    integration_id: z.string().nullable(),
    issue_id: z.string().nullable(),
    ticket_id: z.string().nullable(),
    changed: z
      .record(z.string(), z.object({ from: z.unknown(), to: z.unknown() }))
      .optional()
      .describe('Of issue.updated and issue.restored: old and new value of each property that differs'),
    detail: z.record(z.string(), z.unknown()).nullable().describe('What else there is to say, by type'),
  })
  .meta({ id: 'Change' })

export const changesAnswer = z.object({
  success: z.literal(true),
  tenant_id: z.string(),
  changes: z.array(change),
  has_more: z.boolean().describe('Whether more is there already'),
  next_after: z.string().describe('Where to go on; also when there was nothing'),
})
