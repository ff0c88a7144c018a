/** When a failed attempt is repeated, and after how long: full jitter, and never sooner than Retry-After asks. */

export interface RetryOptions {
  /** Attempts in all, the first included; 1 repeats nothing. */
  attempts: number
  /** The longest random wait before the second attempt; it doubles with each further one. */
  baseMs: number
  /** The longest random wait. */
  capMs: number
  /** A call whose response asks for a longer wait fails at once. */
  maxRetryAfterMs: number
}

export const defaultRetry: RetryOptions = {
  attempts: 4,
  baseMs: 250,
  capMs: 20_000,
  maxRetryAfterMs: 60_000,
}

/** 0: there was no response. */
const transientStatus = new Set([0, 429, 502, 503, 504])

/** Whether another attempt may succeed. */
export const isTransient = ({ status, code }: { status: number; code: string }): boolean =>
  transientStatus.has(status) || code === 'idempotency_in_progress'

/** @returns milliseconds, or undefined when the response asks for a wait that is too long */
export function delayBefore(
  failures: number,
  retryAfterMs: number | undefined,
  { baseMs, capMs, maxRetryAfterMs }: RetryOptions,
): number | undefined {
  if (retryAfterMs !== undefined && retryAfterMs > maxRetryAfterMs) return undefined
  // 2 ** 1024 is Infinity, and the cap applies to that too.
  const jitter = Math.random() * Math.min(capMs, baseMs * 2 ** (failures - 1))
  // The jitter is added, so that many callers that were told the same time do not return together.
  return (retryAfterMs ?? 0) + jitter
}

/** @param header seconds, or a date @returns milliseconds */
export function readRetryAfter(header: string | null): number | undefined {
  if (header === null) return undefined
  if (/^\d+$/.test(header)) return Number(header) * 1_000
  const at = Date.parse(header)
  return Number.isNaN(at) ? undefined : Math.max(0, at - Date.now())
}

/** A longer timer would end at once. */
const longestTimerMs = 2 ** 31 - 1

/** @throws the signal's reason */
export function sleep(ms: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(signal.reason)
    const stop = () => {
      clearTimeout(timer)
      reject(signal?.reason)
    }
    const timer = setTimeout(
      () => {
        signal?.removeEventListener('abort', stop)
        resolve()
      },
      Math.min(ms, longestTimerMs),
    )
    signal?.addEventListener('abort', stop, { once: true })
  })
}
