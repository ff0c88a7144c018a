// Rolling windows: when calls were made, as far back as anybody still asks.
import type { Clock } from '../clock.ts'

export type Windows = ReturnType<typeof createWindows>

export function createWindows(clock: Clock) {
  // In the order of time.
  const times = new Map<string, number[]>()

  return {
    // Calls in the last `span` ms; older ones are forgotten, and so are later ones after the clock was set back.
    used(key: string, span: number): number {
      const list = times.get(key)
      if (!list) return 0
      const now = clock.now()
      let old = 0
      while (old < list.length && (list[old] as number) <= now - span) old += 1
      if (old > 0) list.splice(0, old)
      while ((list.at(-1) ?? now) > now) list.pop()
      return list.length
    },
    // Of those, the ones of a shorter time.
    since(key: string, span: number): number {
      const now = clock.now()
      let count = 0
      for (const time of times.get(key) ?? []) if (time > now - span) count += 1
      return count
    },
    take(key: string): void {
      const list = times.get(key)
      if (list) list.push(clock.now())
      else times.set(key, [clock.now()])
    },
    clear: () => times.clear(),
  }
}
