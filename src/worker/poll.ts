/** Polls tables for work without a queue: one poll costs less than a wake-up for each row. */
import type { Clock } from '../lib/clock.ts'

const everyMs = 200
/** Polls use at most this share of the time, however long one takes. */
const share = 0.1

/** Polls several times a second until the signal aborts. @param look never rejects */
export async function lookUntil(
  clock: Clock,
  look: () => Promise<unknown>,
  signal: AbortSignal,
): Promise<void> {
  while (!signal.aborted) {
    const began = clock.monotonic()
    await look()
    const tookMs = clock.monotonic() - began
    await clock.sleep(Math.max(everyMs, tookMs / share), signal).catch(() => {})
  }
}

/** Cooldowns, by key. */
export interface Rest {
  rest(key: string, ms: number): void
  rests(key: string): boolean
  /** How many keys are in cooldown. */
  size(): number
}

export function createRest(clock: Clock): Rest {
  const ends = new Map<string, number>()
  const forget = () => {
    for (const [key, end] of ends) if (end <= clock.monotonic()) ends.delete(key)
  }
  return {
    rest: (key, ms) => void ends.set(key, clock.monotonic() + ms),
    rests: (key) => (ends.get(key) ?? 0) > clock.monotonic(),
    size() {
      forget()
      return ends.size
    },
  }
}
