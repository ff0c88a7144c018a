/** How a worker repeats things: periodic passes, and due work found by polling. */
import type { Loop } from '../api/feature.ts'
import type { Clock } from '../lib/clock.ts'
import type { Log } from '../lib/log.ts'

export interface LoopDependencies {
  clock: Clock
  log: Log
}

/** Repeats a pass until the signal aborts. A failed pass is logged and repeated. */
export async function runLoop(
  { clock, log }: LoopDependencies,
  { name, everyMs, retryMs = everyMs, pass, end }: Loop,
  signal: AbortSignal,
): Promise<void> {
  const warn = (err: unknown) => {
    if (!signal.aborted) log.warn({ err, loop: name }, 'a loop of the worker failed and will be retried')
  }
  while (!signal.aborted) {
    const waitMs = await pass(signal).then(
      (outcome) => (outcome === 'again' ? 0 : everyMs),
      (err: unknown) => {
        warn(err)
        return retryMs
      },
    )
    if (waitMs > 0) await clock.sleep(waitMs, signal).catch(() => {})
  }
  await end?.().catch(warn)
}

/** Ends a wait early. */
export interface Bell {
  ring(): void
  /** Resolves after `ms`, at the abort of the signal, or at the next ring, also one since the last wait. */
  wait(ms: number, signal: AbortSignal): Promise<void>
}

export function createBell(clock: Clock): Bell {
  let rung = false
  let end = () => {}
  return {
    ring() {
      rung = true
      end()
    },
    async wait(ms, signal) {
      const stop = new AbortController()
      end = () => stop.abort()
      signal.addEventListener('abort', end)
      if (!rung && !signal.aborted) await clock.sleep(ms, stop.signal).catch(() => {})
      signal.removeEventListener('abort', end)
      rung = false
      end = () => {}
    },
  }
}
