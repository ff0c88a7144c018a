/** Server-sent events in bounded memory: a reader that falls too far behind is disconnected. */
import type { ServerResponse } from 'node:http'

export interface EventStream {
  /** @param text whole events, each followed by an empty line */
  send(text: string): void
  /**
   * Resolves when the reader has taken what was sent, or is gone. Await it between parts of a long
   * output.
   *
   * @param withinMs after this the reader is disconnected
   */
  drained(withinMs: number): Promise<void>
  /** Disconnects the reader and discards what it has not taken. */
  drop(): void
  /** Sends nothing more; what was already written is still delivered. */
  end(): void
  /** Resolves when the stream has ended, for whatever reason. */
  ended: Promise<void>
}

/**
 * Most unread bytes. Beyond this the reader is disconnected; it may reconnect and name the last
 * event it received.
 */
export const maxBufferedBytes = 1_048_576
const keepAliveMs = 15_000

/**
 * Writes the head, and keeps the connection from looking dead.
 *
 * @param until ends the stream
 * @param takeWithinMs how long the reader has, after the end, to take the last events
 */
export function openEventStream(
  raw: ServerResponse,
  requestId: string,
  until: AbortSignal,
  takeWithinMs = 4_000,
): EventStream {
  const { promise: ended, resolve } = Promise.withResolvers<void>()
  raw.writeHead(200, {
    'content-type': 'text/event-stream; charset=utf-8',
    'request-id': requestId,
    // The caller may already have its limit of idle connections when the stream ends, and only the
    // head can announce the close.
    connection: 'close',
  })

  function send(text: string): void {
    if (raw.writableEnded || raw.destroyed) return
    // Checked before the write, so that a single longer text can still be sent.
    if (raw.writableLength > maxBufferedBytes) return void raw.destroy()
    raw.write(text)
  }

  const drop = () => void raw.destroy()

  function drained(withinMs: number): Promise<void> {
    if (raw.writableEnded || raw.destroyed || !raw.writableNeedDrain) return Promise.resolve()
    return new Promise((resolve) => {
      const late = setTimeout(drop, withinMs).unref()
      // Remove both listeners: one stream may wait many times.
      const done = () => {
        clearTimeout(late)
        raw.off('drain', done)
        raw.off('close', done)
        resolve()
      }
      raw.on('drain', done)
      raw.on('close', done)
    })
  }

  function end(): void {
    clearInterval(alive)
    until.removeEventListener('abort', end)
    resolve()
    if (raw.writableEnded || raw.destroyed) return
    raw.end()
    const late = setTimeout(() => raw.destroy(), takeWithinMs).unref()
    raw.once('close', () => clearTimeout(late))
  }

  const alive = setInterval(() => send(': alive\n\n'), keepAliveMs)
  until.addEventListener('abort', end, { once: true })
  raw.once('close', end)
  send('retry: 2000\n\n')
  // The reader left, or the signal aborted, before the listeners were added.
  if (until.aborted || raw.destroyed) end()
  return { send, drained, drop, end, ended }
}
