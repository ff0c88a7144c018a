/** Polls repeatedly, but only while there is interest in the result. */
import type { Clock } from './clock.ts'

export interface PollerParts {
  clock: Clock
  everyMs: number
  /** Whether to keep polling. */
  isWanted(): boolean
  /** One poll, which notifies everyone waiting. Never rejects. */
  look(): Promise<unknown>
  stopped: AbortSignal
}

/** @returns starts polling; call it when interest begins */
export function createPoller({ clock, everyMs, isWanted, look, stopped }: PollerParts): () => void {
  let polling = false
  async function poll(): Promise<void> {
    if (polling) return
    polling = true
    while (isWanted() && !stopped.aborted) {
      await look()
      await clock.sleep(everyMs, stopped).catch(() => {})
    }
    polling = false
  }
  return () => void poll()
}
