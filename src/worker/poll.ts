/** Polls tables for work without a queue: one poll costs less than a wake-up for each row. */
import type { Clock } from '../lib/clock.ts'

/** Polls use at most this share of the time, however long one takes. */
const maxLoadShare = 0.1

/**
 * Polls until the signal aborts.
 *
 * @param periodMs between the end of a poll and the next one
 * @param poll never rejects
 */
export async function pollUntil(
  clock: Clock,
  periodMs: number,
  poll: () => Promise<unknown>,
  signal: AbortSignal,
): Promise<void> {
  while (!signal.aborted) {
    const began = clock.monotonic()
    await poll()
    const tookMs = clock.monotonic() - began
    await clock.sleep(Math.max(periodMs, tookMs / maxLoadShare), signal).catch(() => {})
  }
}

/** Cooldowns, by key. */
export interface Cooldowns {
  start(key: string, ms: number): void
  isCoolingDown(key: string): boolean
  /** How many keys are in cooldown. */
  size(): number
}

export function createCooldowns(clock: Clock): Cooldowns {
  const ends = new Map<string, number>()
  const dropEnded = () => {
    for (const [key, end] of ends) if (end <= clock.monotonic()) ends.delete(key)
  }
  return {
    start: (key, ms) => void ends.set(key, clock.monotonic() + ms),
    isCoolingDown: (key) => (ends.get(key) ?? 0) > clock.monotonic(),
    size() {
      dropEnded()
      return ends.size
    },
  }
}
