/** What a stream does after its connection failed: another one, long polls, or the end. */
import type { Caller } from './call.ts'
import { delayBefore, isTransient, sleep } from './retry.ts'
import { SilentConnection, UnreadableStream } from './server-sent-events.ts'
import { SpokeError } from './spoke-error.ts'

export interface FollowOptions {
  signal?: AbortSignal | undefined
  /** Called before each wait for another connection. */
  onRetry?: ((failure: { error: SpokeError; delayMs: number; failures: number }) => void) | undefined
  /**
   * How many attempts in a row may fail once the stream has been connected; default: any number. Before that, as many as
   * the client's `retry.attempts`.
   */
  maxFailures?: number | undefined
}

/** So many connections without a byte, one after the other: long polls from then on. */
const silentConnections = 2

/** The response is something else, as behind a proxy that knows no streams. */
export class NoEventStream extends UnreadableStream {}

/** Of one stream, over all of its connections. */
export interface StreamState {
  failures: number
  wasConnected: boolean
  silent: number
  polls: boolean
}

export const newStreamState = (polls = false): StreamState => ({
  failures: 0,
  wasConnected: false,
  silent: 0,
  polls,
})

/** Something came: earlier failures count no more. */
export function arrived(state: StreamState): void {
  state.failures = 0
  state.silent = 0
  state.wasConnected = true
}

/** Whether server-sent events do not come through. */
export function mayPoll(error: unknown, state: StreamState): boolean {
  if (error instanceof NoEventStream) return true
  const isSilent =
    error instanceof SilentConnection || (error instanceof SpokeError && error.code === 'timeout')
  if (isSilent) state.silent++
  return state.silent >= silentConnections
}

/** @throws the error when another attempt would not help, or there were enough of them */
export async function waitAfter(
  error: unknown,
  state: StreamState,
  caller: Caller,
  { signal, onRetry, maxFailures = Number.POSITIVE_INFINITY }: FollowOptions,
): Promise<void> {
  signal?.throwIfAborted()
  // Such as data that is not JSON: the same would come again.
  if (error instanceof SyntaxError) throw error
  const failure =
    error instanceof SpokeError
      ? error
      : new SpokeError('the stream ended', { code: 'connection_failed', status: 0, cause: error })
  state.failures++
  const allowed = state.wasConnected ? maxFailures : caller.retry.attempts - 1
  const isOver = !isTransient(failure) && failure.status !== 500
  if (isOver || state.failures > allowed) throw failure
  // A stream has nothing better to do than to wait, but within an hour it looks again.
  const retryAfterMs = Math.min(failure.retryAfterMs ?? 0, 3_600_000)
  const unlimited = { ...caller.retry, maxRetryAfterMs: Number.POSITIVE_INFINITY }
  const delayMs = delayBefore(state.failures, retryAfterMs, unlimited) ?? caller.retry.capMs
  onRetry?.({ error: failure, delayMs, failures: state.failures })
  await sleep(delayMs, signal)
}
