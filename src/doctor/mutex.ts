/** A mutex with first-in, first-out order. Pure. */

export interface Mutex {
  /** @returns call it to release */
  acquire(): Promise<() => void>
}

export function createMutex(): Mutex {
  let last = Promise.resolve()
  return {
    async acquire() {
      const { promise, resolve } = Promise.withResolvers<void>()
      const before = last
      last = before.then(() => promise)
      await before
      return resolve
    },
  }
}
