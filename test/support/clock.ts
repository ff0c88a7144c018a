/** A clock that a test moves by hand. A sleep on it ends when the test has moved it far enough. */
import type { Clock } from '../../src/lib/clock.ts'

export interface HandClock extends Clock {
  move(ms: number): void
}

export function handClock(): HandClock {
  let now = 1_000_000
  const sleepers = new Set<{ until: number; wake(): void }>()
  return {
    now: () => now,
    monotonic: () => now,
    random: () => 0.5,
    sleep: (ms, signal) =>
      new Promise((resolve, reject) => {
        const sleeper = { until: now + ms, wake: resolve }
        sleepers.add(sleeper)
        signal.addEventListener('abort', () => {
          sleepers.delete(sleeper)
          reject(signal.reason)
        })
      }),
    move(ms) {
      now += ms
      for (const sleeper of [...sleepers]) {
        if (sleeper.until > now) continue
        sleepers.delete(sleeper)
        sleeper.wake()
      }
    },
  }
}
