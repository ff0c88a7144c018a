import assert from 'node:assert/strict'

/** Asks until the answer is there. */
export async function eventually<T>(
  ask: () => Promise<T | undefined | false>,
  what: string,
  withinMs = 60_000,
): Promise<T> {
  const end = Date.now() + withinMs
  for (;;) {
    const answer = await ask()
    if (answer) return answer
    if (Date.now() > end) assert.fail(`not within ${withinMs} ms: ${what}`)
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}
