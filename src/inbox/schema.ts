/** What goes over the wire about the inbox. */
import { z } from 'zod'
import { after, limit, time } from '../api/wire.ts'

export const inboxQuery = z.strictObject({ limit: limit(200, 50), after })

const change = z.object({
  ticket_id: z.string(),
  change: z.string().describe('What HubSpot calls it: creation, propertyChange, …'),
  occurred_at: z.string().describe('HubSpot’s time'),
  received_at: z.string(),
  tries: z.number(),
  set_aside_for: z.string().nullable(),
})

export const inboxAnswer = z.object({
  success: z.literal(true),
  tenant_id: z.string(),
  integration_id: z.string(),
  webhooks: z.boolean().describe('Whether this service takes webhooks at all'),
  last_received_at: z.string().nullable().describe('Of the changes that were drained'),
  last_occurred_at: z.string().nullable().describe('HubSpot’s time of the newest of them'),
  silent_since: z.string().nullable().describe('A sync found changes that no webhook had items of'),
  failures: z.number().describe('Drains that failed in a row'),
  next_try_at: z.string().nullable(),
  error_code: z.string().nullable(),
  waiting: z.number(),
  waiting_since: z.string().nullable(),
  set_aside: z.number(),
  changes: z.array(change).describe('Those that were set aside, in the order they came'),
  next_after: z.string().nullable(),
})

export const replayBody = z.strictObject({
  ticket_ids: z
    .array(z.string().regex(/^\d{1,20}$/, 'must be an id of HubSpot'))
    .min(1)
    .max(1_000)
    .optional(),
  received_from: time.optional(),
  received_to: time.optional(),
})

export const replayAnswer = z.object({
  success: z.literal(true),
  tenant_id: z.string(),
  integration_id: z.string(),
  replayed: z.number().describe('Changes that are drained again now'),
})
