/** At most so many at a time; the others wait in the order they came, for a bounded time. */
import type { Clock } from '../../lib/clock.ts'

export interface Permits {
  /** @returns whether there is one now, or was within the time; `release` gives it back. False also when the line is full or the caller gone */
  acquire(gone: AbortSignal): Promise<boolean>
  release(): void
}

export interface PermitParts {
  clock: Clock
  most: number
  mostWaiting: number
  waitMs: number
}

export function createPermits({ clock, most, mostWaiting, waitMs }: PermitParts): Permits {
  let free = most
  const waiting = new Set<() => void>()
  return {
    async acquire(gone) {
      if (free > 0) {
        free -= 1
        return true
      }
      if (waiting.size >= mostWaiting) return false
      const { promise, resolve } = Promise.withResolvers<boolean>()
      const next = () => resolve(true)
      waiting.add(next)
      const enough = new AbortController()
      const late = () => {
        if (waiting.delete(next)) resolve(false)
      }
      clock.sleep(waitMs, AbortSignal.any([gone, enough.signal])).then(late, late)
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
