/** A semaphore: callers beyond its limit wait in order of arrival, for a bounded time. */
import type { Clock } from '../../lib/clock.ts'

export interface Semaphore {
  /**
   * @returns true once a permit is granted, which `release` returns; false when the queue is full,
   *   the wait is over, or the caller is gone
   */
  acquire(signal: AbortSignal): Promise<boolean>
  release(): void
}

export interface SemaphoreOptions {
  clock: Clock
  max: number
  maxWaiting: number
  waitMs: number
}

export function createSemaphore({ clock, max, maxWaiting, waitMs }: SemaphoreOptions): Semaphore {
  let free = max
  const waiting = new Set<() => void>()
  return {
    async acquire(signal) {
      if (free > 0) {
        free -= 1
        return true
      }
      if (waiting.size >= maxWaiting) return false
      const { promise, resolve } = Promise.withResolvers<boolean>()
      const next = () => resolve(true)
      waiting.add(next)
      const enough = new AbortController()
      const late = () => {
        if (waiting.delete(next)) resolve(false)
      }
      clock.sleep(waitMs, AbortSignal.any([signal, enough.signal])).then(late, late)
      return await promise.finally(() => enough.abort())
    },
    release() {
      const [next] = waiting
      if (next) {
        waiting.delete(next)
        next()
      } else free += 1
    },
  }
}
