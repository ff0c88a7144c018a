/** Converts a run to its API representation. Pure. */
import type { z } from 'zod'
import { toIso } from '../api/wire.ts'
import type { SyncEvent } from './event-store.ts'
import type { syncEvent } from './schema.ts'

export function presentSyncEvent(event: SyncEvent): z.infer<typeof syncEvent> {
  const seconds = event.runningMs / 1_000
  return {
    sync_event_id: event.syncEventId,
    integration_id: event.integrationId,
    kind: event.kind,
    sync_type: event.syncType,
    trigger: event.trigger,
    state: event.state,
    total: event.total,
    done: event.done,
    inserted: event.inserted,
    changed: event.changed,
    unchanged: event.unchanged,
    archived: event.archived,
    failed: event.failed,
    repaired: event.repaired,
    pages: event.pages,
    repeat_count: event.repeatCount,
    repeats_since: toIso(event.repeatsSince),
    rate_per_second: seconds > 0 && event.done > 0 ? Math.round((event.done / seconds) * 10) / 10 : null,
    waiting_for: event.waitingFor,
    waiting_until: toIso(event.waitingUntil),
    error_code: event.errorCode,
    error: event.error,
    requested_at: event.requestedAt.toISOString(),
    started_at: toIso(event.startedAt),
    finished_at: toIso(event.finishedAt),
  }
}
