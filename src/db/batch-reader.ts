/** Reads rows by key; under load, many callers share one statement. */

/** Of one reader. One that is stuck does not delay the others' callers. */
const maxRunning = 2
const maxKeys = 500

/**
 * A read starts at once while fewer than two statements run. Otherwise it waits, and all that wait
 * are read together, so a flood of keys uses two connections and few statements.
 *
 * @param read reads many rows in one statement, by key
 * @returns reads one row, undefined when there is none; throws what `read` throws
 */
export function createBatchReader<Row>(
  read: (keys: readonly string[]) => Promise<ReadonlyMap<string, Row>>,
): (key: string) => Promise<Row | undefined> {
  const waiting = new Map<string, PromiseWithResolvers<Row | undefined>>()
  let running = 0

  function start(): void {
    if (running >= maxRunning || waiting.size === 0) return
    running += 1
    void readWaiting().finally(() => {
      running -= 1
      start()
    })
  }

  /** Never rejects. */
  async function readWaiting(): Promise<void> {
    const batch = [...waiting].slice(0, maxKeys)
    for (const [key] of batch) waiting.delete(key)
    try {
      const rows = await read(batch.map(([key]) => key))
      for (const [key, { resolve }] of batch) resolve(rows.get(key))
    } catch (error) {
      for (const [, { reject }] of batch) reject(error)
    }
  }

  return (key) => {
    const asked = waiting.get(key) ?? Promise.withResolvers<Row | undefined>()
    waiting.set(key, asked)
    start()
    return asked.promise
  }
}
