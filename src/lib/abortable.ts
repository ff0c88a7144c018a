/** Stops waiting for uncancellable work when a signal aborts. */

/**
 * undici keeps a request until its connection is made, and a name lookup cannot be cancelled:
 * neither reacts to an AbortSignal.
 *
 * @throws what the work throws, or the signal's reason as soon as it aborts; the result of the work
 * is then ignored
 */
export async function abortable<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
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
