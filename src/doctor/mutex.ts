/** A mutex with first-in, first-out order. Pure. */

export interface Turns {
  /** @returns call it to release */
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
