/** Work that cannot be cancelled is not awaited beyond a signal. */

/**
 * undici holds a request until its connection is made, and a name lookup cannot be cancelled: neither hears an AbortSignal.
 *
 * @throws what the work throws, or the signal's reason as soon as it aborts; what becomes of the work then is ignored
 */
export async function within<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  work.catch(() => {})
  signal.throwIfAborted()
  const { promise, reject } = Promise.withResolvers<never>()
  const stop = () => reject(signal.reason)
  signal.addEventListener('abort', stop, { once: true })
  try {
    return await Promise.race([work, promise])
  } finally {
    signal.removeEventListener('abort', stop)
  }
}
