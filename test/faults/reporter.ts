/** A line of JSON for each test that ended: its name, and whether an assertion of its own failed. */

interface Ended {
  type: string
  data: {
    name: string
    file?: string
    details?: { error?: Error & { failureType?: string; cause?: unknown } }
  }
}

export interface Outcome {
  name: string
  passed: boolean
  /** The assertion's message; absent when the test passed or something else than an assertion ended it. */
  assertion?: string
  /** What ended it otherwise: a hook, a timeout, an error. */
  other?: string
}

export default async function* report(source: AsyncIterable<Ended>): AsyncGenerator<string> {
  for await (const { type, data } of source) {
    if (type !== 'test:pass' && type !== 'test:fail') continue
    yield `${JSON.stringify(outcomeOf(type === 'test:pass', data))}\n`
  }
}

function outcomeOf(passed: boolean, { name, details }: Ended['data']): Outcome {
  if (passed) return { name, passed }
  const { cause, failureType } = details?.error ?? {}
  const { code, message } = (cause ?? {}) as { code?: string; message?: string }
  // A failed hook does not count as a failed test. A property that fast-check disproved is an assertion failure.
  const own = failureType === 'testCodeFailure'
  return own && (code === 'ERR_ASSERTION' || /^Property failed after \d+ test/.test(String(message)))
    ? { name, passed, assertion: String(message) }
    : { name, passed, other: `${failureType}: ${message ?? String(cause)}` }
}
