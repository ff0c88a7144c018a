/** Counts who is inside, by name; whoever finds no room stands in line until one leaves. */
import type { Clock } from '../lib/clock.ts'

export interface Turnstile {
  inside(name: string): number
  enter(name: string): void
  /** Lets the first in line look again. */
  leave(name: string): void
  /** The same, by one who was let look and does not go in: the next one may. */
  pass(name: string): void
  /** Stands in line. @returns false when nobody is inside who could leave, nobody did in time, or the caller is gone */
  wait(name: string, withinMs: number, gone: AbortSignal): Promise<boolean>
}

interface Gate {
  inside: number
  line: Set<() => void>
}

export function createTurnstile(clock: Clock): Turnstile {
  const gates = new Map<string, Gate>()

  function pass(name: string): void {
    const gate = gates.get(name)
    if (!gate) return
    // One at a time: were all of a long line to look at each leaving, a flood would cost its square.
    const [first] = gate.line
    if (first) {
      gate.line.delete(first)
      first()
    }
    if (gate.inside === 0 && gate.line.size === 0) gates.delete(name)
  }

  return {
    pass,
    inside: (name) => gates.get(name)?.inside ?? 0,
    enter(name) {
      const gate = gates.get(name) ?? { inside: 0, line: new Set() }
      gate.inside += 1
      gates.set(name, gate)
    },
    leave(name) {
      const gate = gates.get(name)
      if (gate) gate.inside -= 1
      pass(name)
    },
    async wait(name, withinMs, gone) {
      const gate = gates.get(name)
      if (!gate || gate.inside === 0) return false
      const called = Promise.withResolvers<boolean>()
      const call = () => called.resolve(true)
      gate.line.add(call)
      const enough = new AbortController()
      const late = clock.sleep(Math.max(0, withinMs), AbortSignal.any([gone, enough.signal])).then(
        () => false,
        () => false,
      )
      const inTime = await Promise.race([called.promise, late]).finally(() => enough.abort())
      // Called and late at once: the call goes to the next one.
      if (!inTime && !gate.line.delete(call)) pass(name)
      return inTime
    },
  }
}
