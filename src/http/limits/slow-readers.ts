/** Disconnects callers that read a response too slowly, to free its memory and request slot. */
import type { FastifyInstance } from 'fastify'

export interface ReadTimeLimits {
  /** Time allowed for the smallest response, ms. */
  minMs: number
  /** A caller that reads more slowly on average is disconnected. */
  bytesPerSecond: number
}

const defaultLimits: ReadTimeLimits = { minMs: 10_000, bytesPerSecond: 65_536 }

/** Applies to complete responses. Streamed responses have their own limits. */
export function disconnectSlowReaders(
  app: FastifyInstance,
  limits: Readonly<ReadTimeLimits> = defaultLimits,
): void {
  app.addHook('onSend', async (request, reply, payload) => {
    if (typeof payload !== 'string' && !Buffer.isBuffer(payload)) return
    const late = setTimeout(
      () => {
        request.log.warn('a connection was closed: the caller read the response too slowly')
        request.raw.socket.destroy()
      },
      limits.minMs + (1_000 * Buffer.byteLength(payload)) / limits.bytesPerSecond,
    ).unref()
    reply.raw.once('close', () => clearTimeout(late))
  })
}
