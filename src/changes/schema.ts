/** Request and response schemas of the change feed. */
import { z } from 'zod'
import { limit, tenantPath } from '../api/wire.ts'

const cursor = z.string().min(1).max(1_024).optional()

export const changesQuery = z.strictObject({
  after: cursor.describe(
    'A cursor of the feed, or `now`: no changes, only the cursor of its end. Absent: from the oldest retained change',
  ),
  limit: limit(1_000, 100),
  wait: z
    .string()
    .regex(/^([0-9]|[12][0-9]|30)$/, 'must be a whole number of seconds from 0 to 30')
    .transform(Number)
    .default(0)
    .meta({ type: 'integer', minimum: 0, maximum: 30 })
    .describe('Seconds to wait for a change when there is none yet'),
  include: z
    .enum(['issue'])
    .optional()
    .describe('issue: a change of an issue has the issue as of that change'),
})

export const change = z
  .object({
    cursor: z.string().describe('Pass it as `after` to continue after this change'),
    change_id: z.string().describe('Unique; never reused'),
    type: z.string(),
    at: z.string(),
    integration_id: z.string().nullable(),
    issue_id: z.string().nullable(),
    ticket_id: z.string().nullable(),
    changed: z
      .record(z.string(), z.object({ from: z.unknown(), to: z.unknown() }))
      .optional()
      .describe('Old and new value of each property that differs; absent if there is none'),
    detail: z.record(z.string(), z.unknown()).nullable().describe('Further data, depending on the type'),
    issue: z
      // By name: its schema belongs to the folder of issues, which is above this one.
      .any()
      .meta({ $ref: '#/components/schemas/Issue' })
      .nullable()
      .optional()
      .describe(
        'With `include`, of a change of an issue: the issue as this change left it; null: it can no longer be determined',
      ),
  })
  .meta({
    id: 'Change',
    examples: [
      {
        cursor: 'WyI1ZjBlMGY0ZSIsIjQyLjBjM2Y5YTEyIl0',
        change_id: '0c3f9a12-5a4e-4f0b-9d38-2b1c6f0a7e55',
        type: 'issue.updated',
        at: '2026-11-26T09:30:00.412Z',
        integration_id: '01a2044e-3639-7888-95cf-ef6ead9b1a46',
        issue_id: '01a2044e-4f2a-7f01-8a77-3c9d2b1e6f00',
        ticket_id: '300000000123',
        changed: { subject: { from: 'Printer', to: 'Printer on fire' } },
        detail: null,
      },
    ],
  })

export const changesResponse = z.object({
  success: z.literal(true),
  tenant_id: tenantPath.shape.tenant_id,
  changes: z.array(change),
  has_more: z.boolean().meta({ description: 'Whether more changes are available now', examples: [false] }),
  next_after: z.string().meta({
    description: 'Pass it as `after` to continue; present even when there are no changes',
    examples: ['WyI1ZjBlMGY0ZSIsIjQyLjBjM2Y5YTEyIl0'],
  }),
})
