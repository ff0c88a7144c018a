/** What goes over the wire about runs. */
import { z } from 'zod'

export const syncBody = z.strictObject({ sync_type: z.enum(['full', 'incremental']).default('full') })

export const syncEvent = z.object({
  sync_event_id: z.string(),
  integration_id: z.string(),
  kind: z.string(),
  sync_type: z.enum(['full', 'incremental']),
  trigger: z.enum(['api', 'connect', 'schedule']),
  state: z.enum(['queued', 'running', 'waiting', 'succeeded', 'partial', 'failed', 'cancelled']),
  total: z.number().nullable().describe('How many records HubSpot counted before the run began'),
  done: z.number(),
  inserted: z.number(),
  changed: z.number(),
  unchanged: z.number(),
  archived: z.number().describe('Issues that became tombstones: archived, merged or deleted at HubSpot'),
  failed: z.number().describe('Records that could not be kept'),
  repaired: z.number().describe('Records that were kept, but not letter for letter'),
  pages: z.number(),
  rate_per_second: z.number().nullable(),
  waiting_for: z.string().nullable().describe('The code of what the run waits for'),
  waiting_until: z.string().nullable(),
  error_code: z.string().nullable(),
  error: z.string().nullable(),
  requested_at: z.string(),
  started_at: z.string().nullable(),
  finished_at: z.string().nullable(),
})

export const syncStarted = z.object({
  success: z.literal(true),
  message: z.string(),
  tenant_id: z.string(),
  integration_id: z.string(),
  sync_event_id: z.string(),
  sync_type: z.enum(['full', 'incremental']),
  already_running: z.boolean().describe('A run of this type was queued, running or waiting before'),
  resumed: z.boolean().describe('The run was waiting for its next attempt and goes on now'),
})

export const syncHistory = z.object({
  success: z.literal(true),
  tenant_id: z.string(),
  integration_id: z.string(),
  running: z.array(syncEvent).describe('Runs that have not ended'),
  events: z.array(syncEvent).describe('Newest first'),
  next_after: z.string().nullable(),
})

export const syncEventAnswer = syncEvent.extend({ success: z.literal(true), tenant_id: z.string() })
