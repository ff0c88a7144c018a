/** Polls repeatedly, but only while there is interest in the result. */
import type { Clock } from './clock.ts'

export interface PollerOptions {
  clock: Clock
  intervalMs: number
  /** Whether to keep polling. */
  isWanted(): boolean
  /** One poll, which notifies everyone waiting. Never rejects. */
  poll(): Promise<unknown>
  stopped: AbortSignal
}

/** @returns starts polling; call it when interest begins */
export function createPoller({ clock, intervalMs, isWanted, poll, stopped }: PollerOptions): () => void {
  let polling = false
  async function start(): Promise<void> {
    if (polling) return
    polling = true
    while (isWanted() && !stopped.aborted) {
      await poll()
      await clock.sleep(intervalMs, stopped).catch(() => {})
    }
    polling = false
  }
  return () => void start()
}
