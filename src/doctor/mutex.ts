/** One at a time, in the order they came. Pure. */

export interface Turns {
  /** @returns call it when done */
  take(): Promise<() => void>
}

export function createTurns(): Turns {
  let last = Promise.resolve()
  return {
    async take() {
      const { promise, resolve } = Promise.withResolvers<void>()
      const before = last
      last = before.then(() => promise)
      await before
      return resolve
    },
  }
}
