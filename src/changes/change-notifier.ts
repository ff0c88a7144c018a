/**
 * Waits for new changes: one poll per process covers all feeds with waiting readers, however many
 * wait.
 */
import type { Database } from '../db/database.ts'
import { withSystem } from '../db/scope.ts'
import type { TenantId } from '../db/tenant-id.ts'
import type { Clock } from '../lib/clock.ts'
import type { Log } from '../lib/log.ts'
import { createPoller } from '../lib/poller.ts'
import { findLastSeqs } from './store.ts'

const intervalMs = 200
const afterFailureMs = 2_000

export interface ChangeNotifier {
  /**
   * Resolves when the feed's last number is not `seq`, or the signal aborts. The caller then reads
   * the feed itself.
   */
  waitForChange(tenantId: TenantId, seq: number, signal: AbortSignal): Promise<void>
  /** Call when no more readers can arrive. */
  stop(): void
}

interface Waiter {
  tenantId: TenantId
  seq: number
  notify(): void
}

export function createChangeNotifier(db: Database, clock: Clock, log: Log): ChangeNotifier {
  const waiters = new Set<Waiter>()
  const stopped = new AbortController()

  async function notifyWaiters(): Promise<void> {
    const waiting = [...waiters]
    const ids = [...new Set(waiting.map(({ tenantId }) => tenantId))]
    const feeds = await withSystem(db, (scope) => findLastSeqs(scope, ids))
    const last = new Map(feeds.map(({ tenant_id, last_seq }) => [tenant_id, last_seq]))
    for (const { tenantId, seq, notify } of waiting) if ((last.get(tenantId) ?? 0) !== seq) notify()
  }

  const poll = createPoller({
    clock,
    intervalMs,
    isWanted: () => waiters.size > 0,
    poll: () =>
      notifyWaiters().catch(async (err: unknown) => {
        log.warn({ err }, 'the change feeds could not be polled')
        await clock.sleep(afterFailureMs, stopped.signal).catch(() => {})
      }),
    stopped: stopped.signal,
  })

  return {
    waitForChange(tenantId, seq, signal) {
      return new Promise((resolve) => {
        const waiter = { tenantId, seq, notify }
        function notify() {
          waiters.delete(waiter)
          signal.removeEventListener('abort', notify)
          resolve()
        }
        if (signal.aborted) return resolve()
        signal.addEventListener('abort', notify, { once: true })
        waiters.add(waiter)
        poll()
      })
    },
    stop: () => stopped.abort(),
  }
}
