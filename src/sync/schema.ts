/** Zod schemas of the sync API. */
import { z } from 'zod'
import { integrationPath, nextAfter, pathId } from '../api/wire.ts'

export const syncEventPath = integrationPath.extend({
  sync_event_id: pathId('01a2044e-3646-7e56-9520-473af17ce8b2'),
})
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
  .meta({
    id: 'SyncEvent',
    examples: [
      {
        sync_event_id: '01a2044e-3646-7e56-9520-473af17ce8b2',
        integration_id: '01a2044e-3639-7888-95cf-ef6ead9b1a46',
        kind: 'tickets',
        sync_type: 'full',
        trigger: 'connect',
        state: 'succeeded',
        total: 250,
        done: 250,
        inserted: 250,
        changed: 0,
        unchanged: 0,
        archived: 0,
        failed: 0,
        repaired: 0,
        pages: 3,
        repeat_count: 0,
        repeats_since: null,
        rate_per_second: 936.3,
        waiting_for: null,
        waiting_until: null,
        error_code: null,
        error: null,
        requested_at: '2026-11-22T17:29:24.271Z',
        started_at: '2026-11-22T17:29:25.457Z',
        finished_at: '2026-11-22T17:29:25.724Z',
      },
    ],
  })

export const syncStarted = z
  .object({
    message: z.string(),
    sync_event_id: z.string(),
    sync_type: z.enum(['full', 'incremental']),
    already_running: z
      .boolean()
      .describe('Whether a run of this type was already queued, running or waiting'),
    resumed: z.boolean().describe('Whether that run was waiting for its next attempt and was resumed'),
  })
  .meta({
    examples: [
      {
        message: 'HubSpot full sync started in background',
        sync_event_id: '01a2044e-3646-7e56-9520-473af17ce8b2',
        sync_type: 'full',
        already_running: false,
        resumed: false,
      },
    ],
  })

export const syncHistory = z.object({
  running: z.array(syncEvent).meta({ description: 'Runs of this page that have not ended', examples: [[]] }),
  events: z.array(syncEvent).describe('Newest first'),
  next_after: nextAfter,
})
