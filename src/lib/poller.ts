/** Looking at something again and again, as long as somebody wants to know and not otherwise. */
import type { Clock } from './clock.ts'

export interface PollerParts {
  clock: Clock
  everyMs: number
  /** Whether somebody wants to know. */
  isWanted(): boolean
  /** One look, which tells whoever waits; it never rejects. */
  look(): Promise<unknown>
  stopped: AbortSignal
}

/** @returns to be called when somebody comes who wants to know */
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
