/**
 * Tests a connection with a real call: whether HubSpot accepts the token and tickets can be read.
 */
import type { HubSpot } from '../hubspot/client/client.ts'
import { listPage, type ObjectPaths } from '../hubspot/objects.ts'
import type { IntegrationRef } from './integration.ts'
import type { Tokens, UseOptions } from './tokens/tokens.ts'

/**
 * Resolves when the connection works. Concurrent callers for the same integration share one test.
 *
 * @throws as Tokens.use; HubSpotError as HubSpot responds; the signal's reason when the caller gave
 *   up
 */
export type TestConnection = (ref: IntegrationRef, options: UseOptions) => Promise<void>

interface RunningTest {
  result: Promise<void>
  waiting: number
  stop: AbortController
}

export function createConnectionTest(deps: {
  hubspot: HubSpot
  tokens: Tokens
  tickets: ObjectPaths
}): TestConnection {
  const { hubspot, tokens, tickets } = deps
  const running = new Map<string, RunningTest>()
  // No properties: HubSpot then returns its defaults, and none is named that the token may not
  // read.
  const bare = { ...tickets, properties: [] }

  /**
   * Reads one ticket: introspection alone does not show that tickets are readable or that HubSpot's
   * CRM is available.
   */
  async function test(ref: IntegrationRef, options: UseOptions): Promise<void> {
    await tokens.use(ref, { ...options, provesToken: true }, async (access) => {
      await listPage(hubspot, bare, { after: undefined, limit: 1 }, { access, ...options })
    })
  }

  function start(key: string, ref: IntegrationRef, options: UseOptions): RunningTest {
    const stop = new AbortController()
    const result = test(ref, { retryLimits: options.retryLimits, signal: stop.signal })
    const run: RunningTest = { result, waiting: 0, stop }
    const over = () => {
      if (running.get(key) === run) running.delete(key)
    }
    result.then(over, over)
    // If one caller gives up, the test continues for the others; when the last one gives up, it
    // ends.
    stop.signal.addEventListener('abort', over, { once: true })
    running.set(key, run)
    return run
  }

  return async (ref, options) => {
    options.signal.throwIfAborted()
    const key = `${ref.tenantId} ${ref.integrationId}`
    const run = running.get(key) ?? start(key, ref, options)
    run.waiting += 1
    try {
      await unlessAborted(run.result, options.signal)
    } finally {
      run.waiting -= 1
      if (run.waiting === 0) run.stop.abort()
    }
  }
}

async function unlessAborted<T>(result: Promise<T>, signal: AbortSignal): Promise<T> {
  const { promise, reject } = Promise.withResolvers<never>()
  const abort = () => reject(signal.reason)
  signal.addEventListener('abort', abort, { once: true })
  try {
    return await Promise.race([result, promise])
  } finally {
    signal.removeEventListener('abort', abort)
  }
}
