/** Time and randomness, passed in wherever they are needed, so that tests can control them. */
import { setTimeout as delay, setImmediate as immediately } from 'node:timers/promises'

export interface Clock {
  /**
   * Epoch milliseconds of this machine. Leases use the database's clock, HubSpot's windows use
   * HubSpot's.
   */
  now(): number
  /** Monotonic milliseconds, for durations. */
  monotonic(): number
  /** A number in [0, 1). */
  random(): number
  /** Waits `ms`. Rejects with the signal's reason as soon as it aborts. */
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

/** Lets what waits on the event loop run: for work in memory that takes long. */
export const letOthersRun = (): Promise<void> => immediately()
