/** Notifies clients of changes to runs: one poll per process and tenant, for all clients. */
import type { Database } from '../db/database.ts'
import { unlessErasing, withTenant } from '../db/scope.ts'
import type { TenantId } from '../db/tenant-id.ts'
import type { Clock } from '../lib/clock.ts'
import type { Log } from '../lib/log.ts'
import { createPoller } from '../lib/poller.ts'
import { findSyncEvents, type SyncEvent } from './event-store.ts'

const intervalMs = 500

interface Watcher {
  syncEventId: string
  /** The last version reported. */
  version: number
  notify(event: SyncEvent | undefined): void
}

export interface ProgressWatch {
  /**
   * Reports each change of the event after `version`; undefined when it is gone (purged).
   *
   * @returns call it to stop
   */
  watch(tenantId: TenantId, syncEventId: string, version: number, notify: Watcher['notify']): () => void
  stop(): void
}

export function createProgressWatch(db: Database, clock: Clock, log: Log): ProgressWatch {
  const watchers = new Map<TenantId, Set<Watcher>>()
  const stopped = new AbortController()

  async function poll(): Promise<void> {
    for (const [tenantId, watching] of watchers) {
      const ids = [...new Set([...watching].map(({ syncEventId }) => syncEventId))]
      const events = await unlessErasing(withTenant(db, tenantId, (scope) => findSyncEvents(scope, ids)))
      // A tenant that is being erased has no events, and this must not affect the other tenants.
      const byId = new Map(events?.map((event) => [event.sync_event_id, event]))
      for (const watcher of watching) {
        const event = byId.get(watcher.syncEventId)
        if (event && event.version <= watcher.version) continue
        if (event) watcher.version = event.version
        watcher.notify(event)
      }
    }
  }

  const startPolling = createPoller({
    clock,
    intervalMs,
    isWanted: () => watchers.size > 0,
    poll: () => poll().catch((err: unknown) => log.warn({ err }, 'progress could not be read')),
    stopped: stopped.signal,
  })

  return {
    watch(tenantId, syncEventId, version, notify) {
      const watcher: Watcher = { syncEventId, version, notify }
      const watching = watchers.get(tenantId) ?? new Set()
      watchers.set(tenantId, watching.add(watcher))
      startPolling()
      return () => {
        watching.delete(watcher)
        if (watching.size === 0) watchers.delete(tenantId)
      }
    },
    stop: () => stopped.abort(),
  }
}
