// Waiting for a state: whoever changes it says so, and whoever waits looks again.
export type Waiters = ReturnType<typeof createWaiters>

/** Any number may wait, each for a state of its own. */
export function createWaiters() {
  const looking = new Set<(end?: boolean) => void>()
  return {
    changed(): void {
      for (const look of looking) look()
    },
    /** Nobody waits any longer. */
    end(): void {
      for (const look of looking) look(true)
    },
    /** Waits until `over`, but not longer than `ms` of real time, and answers whether it is. */
    until(over: () => boolean, ms: number): Promise<boolean> {
      if (over()) return Promise.resolve(true)
      return new Promise((done) => {
        const look = (end = false) => {
          if (!end && !over()) return
          clearTimeout(limit)
          looking.delete(look)
          done(over())
        }
        const limit = setTimeout(() => look(true), ms)
        looking.add(look)
      })
    },
  }
}
