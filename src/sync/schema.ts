/** Zod schemas of the sync API. */
import { z } from 'zod'

export const syncBody = z.strictObject({ sync_type: z.enum(['full', 'incremental']).default('full') })

export const syncEvent = z
  .object({
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
    archived: z.number().describe('Issues that became tombstones: archived, merged or deleted in HubSpot'),
    failed: z.number().describe('Records that could not be saved'),
    repaired: z.number().describe('Records that were saved, but not verbatim'),
    pages: z.number(),
    repeat_count: z
      .number()
      .describe(
        'How many scheduled runs directly before this one found nothing either; this run stands for them',
      ),
    repeats_since: z.string().nullable().describe('When the first of them started'),
    rate_per_second: z.number().nullable(),
    waiting_for: z.string().nullable().describe('Why the run waits: an error code'),
    waiting_until: z.string().nullable(),
    error_code: z.string().nullable(),
    error: z.string().nullable(),
    requested_at: z.string(),
    started_at: z.string().nullable(),
    finished_at: z.string().nullable(),
  })
  .meta({ id: 'SyncEvent' })

export const syncStarted = z.object({
  success: z.literal(true),
  message: z.string(),
  tenant_id: z.string(),
  integration_id: z.string(),
  sync_event_id: z.string(),
  sync_type: z.enum(['full', 'incremental']),
  already_running: z.boolean().describe('Whether a run of this type was already queued, running or waiting'),
  resumed: z.boolean().describe('Whether that run was waiting for its next attempt and was resumed'),
})

export const syncHistory = z.object({
  success: z.literal(true),
  tenant_id: z.string(),
  integration_id: z.string(),
  running: z.array(syncEvent).describe('Runs that have not ended'),
  events: z.array(syncEvent).describe('Newest first'),
  next_after: z.string().nullable(),
})

export const syncEventResponse = syncEvent.extend({ success: z.literal(true), tenant_id: z.string() })
