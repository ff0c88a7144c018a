/** Sends a long text in pieces: each in reserved memory, and no faster than its reader takes them. */
import { once } from 'node:events'
import type { FastifyReply, FastifyRequest } from 'fastify'
import type { ByteBudget, ByteReservation, ReserveBytes } from './byte-budget.ts'

/** A reader that reads nothing for this long is cut off. */
const drainWithinMs = 60_000
/** How long a stream waits for memory for its next piece. */
const maxWaitMs = 10_000

export interface PieceStream {
  request: FastifyRequest
  reply: FastifyReply
  tenantId: string
  bytes: ByteBudget
  /** Aborts when the caller disconnects or loses access, and when the server stops. */
  signal: AbortSignal
  headers: { 'content-type': string; 'content-disposition': string }
}

/**
 * Errors up to the first piece are thrown, and so are sent with a status. Later ones cut the
 * connection: the response then has no proper end, and no last piece that says that it is complete.
 *
 * @param make gives the pieces; it reserves the memory of each before it reads it
 */
export async function sendPieces(
  { request, reply, tenantId, bytes, signal, headers }: PieceStream,
  make: (reserve: ReserveBytes) => AsyncGenerator<string>,
): Promise<void> {
  const { raw } = reply
  let reservation: ByteReservation | undefined
  raw.once('close', () => reservation?.release())
  const pieces = make(async (wanted, asking) => {
    reservation?.release()
    reservation = await bytes.take(tenantId, wanted, signal, { ...asking, maxWaitMs })
  })
  const first = await pieces.next()
  reply.hijack()
  raw.writeHead(200, { ...headers, connection: 'close' })
  try {
    for (let piece = first; !piece.done; piece = await pieces.next()) {
      signal.throwIfAborted()
      reservation?.waitsForCaller(() => raw.destroy())
      if (raw.write(piece.value)) continue
      await once(raw, 'drain', { signal: AbortSignal.any([signal, AbortSignal.timeout(drainWithinMs)]) })
    }
    raw.end()
  } catch (err) {
    raw.destroy()
    if (!signal.aborted) request.log.warn({ err, tenant_id: tenantId }, 'an export was cut off')
  } finally {
    await pieces.return(undefined)
  }
}
