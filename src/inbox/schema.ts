/** Zod schemas of the inbox API. */
import { z } from 'zod'
import { after, limit, nextAfter, time } from '../api/wire.ts'

export const inboxQuery = z.strictObject({ limit: limit(200, 50), after })

export const deadLetter = z
  .object({
    ticket_id: z.string(),
    change: z.string().describe('HubSpot’s name for it: creation, propertyChange, …'),
    occurred_at: z.string().describe('When it occurred, by HubSpot’s clock'),
    received_at: z.string(),
    attempt_count: z.number(),
    dead_letter_reason: z.string().nullable(),
  })
  .meta({
    id: 'DeadLetter',
    examples: [
      {
        ticket_id: '300000000123',
        change: 'propertyChange',
        occurred_at: '2026-11-25T08:12:44.003Z',
        received_at: '2026-11-25T08:12:44.651Z',
        attempt_count: 5,
        dead_letter_reason: 'HubSpot tickets batch read: rejected (400)',
      },
    ],
  })

export const inboxResponse = z.object({
  webhooks: z.boolean().describe('Whether this service accepts webhooks'),
  last_received_at: z.string().nullable().describe('When the newest of the drained changes was received'),
  last_occurred_at: z
    .string()
    .nullable()
    .describe('When the newest of the drained changes occurred, by HubSpot’s clock'),
  webhooks_missing_since: z
    .string()
    .nullable()
    .describe('When a sync first found new tickets that no webhook had reported'),
  failures: z.number().describe('How many drains in a row have failed'),
  next_attempt_at: z.string().nullable(),
  error_code: z.string().nullable(),
  waiting: z.number(),
  waiting_since: z.string().nullable(),
  dead_lettered: z.number().meta({ examples: [1] }),
  dead_letters: z
    .array(deadLetter)
    .describe('The dead-lettered changes, in the order in which they were dead-lettered'),
  next_after: nextAfter,
})

export const replayBody = z.strictObject({
  ticket_ids: z
    .array(z.string().regex(/^\d{1,20}$/, 'must be a HubSpot id'))
    .min(1)
    .max(1_000)
    .meta({ examples: [['300000000123']] })
    .optional(),
  received_from: time.optional(),
  received_to: time.optional(),
})

export const replayResponse = z.object({
  replayed: z.number().meta({ description: 'How many changes will be drained again', examples: [1] }),
})
