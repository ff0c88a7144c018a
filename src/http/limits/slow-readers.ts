/** An answer that is not taken holds memory and a place among the requests under way, so its caller is let go. */
import type { FastifyInstance } from 'fastify'

export interface Patience {
  /** For the smallest answer, ms. */
  leastMs: number
  /** Who takes fewer, all told, is let go. */
  bytesPerSecond: number
}

const ours: Patience = { leastMs: 10_000, bytesPerSecond: 65_536 }

/** Of answers that are there as a whole; one that is sent piece by piece has bounds of its own. */
export function letSlowReadersGo(app: FastifyInstance, patience: Readonly<Patience> = ours): void {
  app.addHook('onSend', async (request, reply, payload) => {
    if (typeof payload !== 'string' && !Buffer.isBuffer(payload)) return
    const late = setTimeout(
      () => {
        request.log.warn('an answer was not taken in time')
        request.raw.socket.destroy()
      },
      patience.leastMs + (1_000 * Buffer.byteLength(payload)) / patience.bytesPerSecond,
    ).unref()
    reply.raw.once('close', () => clearTimeout(late))
  })
}
