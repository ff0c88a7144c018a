/** Counts the memory of each response from its reservation until the caller has read it. */
import type { FastifyInstance, FastifyRequest } from 'fastify'
import type { ByteBudget, ByteReservation, ReserveOptions } from '../../api/byte-budget.ts'

declare module 'fastify' {
  interface FastifyContextConfig {
    /**
     * Longest response of this route, bytes: memory is reserved before its handler runs. Absent:
     * responses are short, or the handler reserves memory itself.
     */
    maxResponseBytes?: number
  }
  interface FastifyRequest {
    /**
     * Reserves memory for a response of this many bytes, replacing the previous reservation.
     *
     * @throws AppError rate_limited | overloaded
     */
    reserve(bytes: number, asking?: ReserveOptions): Promise<void>
  }
}

/** Responses to unauthenticated callers share one tenant's budget. */
const unauthenticatedKey = 'strangers'

export function accountForResponseBytes(app: FastifyInstance, budget: ByteBudget): void {
  const reservations = new WeakMap<FastifyRequest, ByteReservation>()

  function replace(request: FastifyRequest, reservation: ByteReservation | undefined): void {
    reservations.get(request)?.release()
    reservations.delete(request)
    if (reservation) reservations.set(request, reservation)
  }

  app.decorateRequest(
    'reserve',
    async function reserve(this: FastifyRequest, bytes: number, options?: ReserveOptions) {
      replace(this, undefined)
      if (bytes > 0) replace(this, await budget.take(budgetOwnerOf(this), bytes, this.abortSignal, options))
    },
  )
  app.addHook('onRequest', async (request, reply) => {
    reply.raw.once('close', () => replace(request, undefined))
  })
  app.addHook('preHandler', async (request) => {
    const { maxResponseBytes } = request.routeOptions.config
    if (maxResponseBytes) await request.reserve(maxResponseBytes)
  })
  app.addHook('onSend', async (request, reply, payload) => {
    if (typeof payload !== 'string' && !Buffer.isBuffer(payload)) return payload
    // A buffer is outside the heap, and there is only one copy of it.
    const bytes = Buffer.isBuffer(payload) ? payload : Buffer.from(payload)
    if (reply.raw.destroyed) return bytes
    const reservation = reservations.get(request) ?? budget.hold(budgetOwnerOf(request), 0)
    reservations.set(request, reservation)
    // Also here: for a request refused before the onRequest hook above, nothing else would release
    // the hold.
    reply.raw.once('close', () => replace(request, undefined))
    reservation.resize(bytes.length)
    reservation.waitsForCaller(() => {
      request.log.warn('a connection was closed to free memory: the caller did not read the response')
      request.raw.socket.destroy()
    })
    return bytes
  })
}

/**
 * An operator's request counts for the tenant in the path; without one it counts for the operator.
 */
function budgetOwnerOf({ principal, params }: FastifyRequest): string {
  if (principal?.kind === 'tenant') return principal.tenantId
  const { tenant_id: named } = (params ?? {}) as { tenant_id?: string }
  return principal ? (named?.toLowerCase() ?? principal.kind) : unauthenticatedKey
}
