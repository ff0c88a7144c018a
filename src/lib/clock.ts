/** Time and randomness, handed in wherever they are needed, so that a test can own them. */
import { setTimeout as delay } from 'node:timers/promises'

export interface Clock {
  /** Epoch milliseconds of this machine. Leases use the database's clock, HubSpot's windows HubSpot's. */
  now(): number
  /** Milliseconds that only ever grow; for durations. */
  monotonic(): number
  /** A number in [0, 1). */
  random(): number
  /** Waits `ms`, or rejects with the signal's reason as soon as it aborts. */
  sleep(ms: number, signal: AbortSignal): Promise<void>
}

export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  random: () => Math.random(),
  async sleep(ms, signal) {
    signal.throwIfAborted()
    try {
      await delay(ms, undefined, { signal })
    } catch (error) {
      signal.throwIfAborted()
      throw error
    }
  },
}
