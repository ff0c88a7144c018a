/** Converts a run to its API representation. Pure. */
import type { z } from 'zod'
import { isoTimes } from '../api/wire.ts'
import type { SyncEvent } from './event-store.ts'
import type { syncEvent } from './schema.ts'

export function presentSyncEvent({ version: _, running_ms, ...event }: SyncEvent): z.infer<typeof syncEvent> {
  const seconds = running_ms / 1_000
  return {
    ...isoTimes(event),
    rate_per_second: seconds > 0 && event.done > 0 ? Math.round((event.done / seconds) * 10) / 10 : null,
  }
}
