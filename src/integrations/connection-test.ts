/** Tests a connection with a real call: HubSpot takes the token now, and the tickets can be read. */
import type { HubSpot } from '../hubspot/client/client.ts'
import { listPage, type ObjectPaths } from '../hubspot/objects.ts'
import type { Whose } from './integration.ts'
import type { Tokens, UseOptions } from './tokens/tokens.ts'

/**
 * Resolves when the connection works. Callers of the same integration at the same moment share one test.
 *
 * @throws as Tokens.use; HubSpotError as HubSpot answers; the signal's reason when the caller gave up
 */
export type TestConnection = (whose: Whose, options: UseOptions) => Promise<void>

interface Running {
  result: Promise<void>
  waiting: number
  stop: AbortController
}

export function createConnectionTest(parts: {
  hubspot: HubSpot
  tokens: Tokens
  tickets: ObjectPaths
}): TestConnection {
  const { hubspot, tokens, tickets } = parts
  const running = new Map<string, Running>()
  // No properties: HubSpot then gives its default ones, and none that the token may not read can be named.
  const bare = { ...tickets, properties: [] }

  /** One ticket: introspection alone says nothing about the tickets, and nothing about HubSpot's CRM being there. */
  async function test(whose: Whose, options: UseOptions): Promise<void> {
    await tokens.use(whose, { ...options, provesToken: true }, async (access) => {
      await listPage(hubspot, bare, { after: undefined, limit: 1 }, { access, ...options })
    })
  }

  function start(key: string, whose: Whose, options: UseOptions): Running {
    const stop = new AbortController()
    const result = test(whose, { patience: options.patience, signal: stop.signal })
    const run: Running = { result, waiting: 0, stop }
    const over = () => {
      if (running.get(key) === run) running.delete(key)
    }
    result.then(over, over)
    // One caller that gives up must not end the test for the others; the last one does.
    stop.signal.addEventListener('abort', over, { once: true })
    running.set(key, run)
    return run
  }

  return async (whose, options) => {
    options.signal.throwIfAborted()
    const key = `${whose.tenantId} ${whose.integrationId}`
    const run = running.get(key) ?? start(key, whose, options)
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
