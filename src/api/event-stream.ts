/** Server-sent events on an answer of ours, in bounded memory: a reader that does not read is let go. */
import type { ServerResponse } from 'node:http'

export interface EventStream {
  /** @param text whole events, each with the empty line behind it */
  say(text: string): void
  /**
   * Resolves when the reader has taken what was said, or is gone: whoever has much to say waits for it between.
   *
   * @param withinMs then the reader is let go
   */
  taken(withinMs: number): Promise<void>
  /** Lets the reader go, with what it has not taken. */
  drop(): void
  /** Nothing more comes; what was said is still sent. */
  end(): void
  /** Resolves when it has ended, by whomever. */
  ended: Promise<void>
}

/** Said and not taken, bytes. Beyond it the reader is let go; it may come back and say what it saw last. */
export const mostWaiting = 1_048_576
const keepAliveMs = 15_000

/**
 * Writes the head, and keeps the connection from looking dead.
 *
 * @param until ends the stream
 * @param takeWithinMs what was said last is taken so soon after the end, or never
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
    // It may end when its caller has as many idle connections as are kept: the head is the last place to say that this is none.
    connection: 'close',
  })

  function say(text: string): void {
    if (raw.writableEnded || raw.destroyed) return
    // Before it is written: one text that is longer than that on its own can still be taken.
    if (raw.writableLength > mostWaiting) return void raw.destroy()
    raw.write(text)
  }

  const drop = () => void raw.destroy()

  function taken(withinMs: number): Promise<void> {
    if (raw.writableEnded || raw.destroyed || !raw.writableNeedDrain) return Promise.resolve()
    return new Promise((resolve) => {
      const late = setTimeout(drop, withinMs).unref()
      // Nothing of a wait is left behind: a stream may have many.
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

  const alive = setInterval(() => say(': alive\n\n'), keepAliveMs)
  until.addEventListener('abort', end, { once: true })
  raw.once('close', end)
  say('retry: 2000\n\n')
  // Gone, or over, before there was anything to listen to.
  if (until.aborted || raw.destroyed) end()
  return { say, taken, drop, end, ended }
}
