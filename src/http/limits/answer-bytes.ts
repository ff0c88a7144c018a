/** Each answer is accounted for until its caller has taken it; a long one has its room before it is made. */
import type { FastifyInstance, FastifyRequest } from 'fastify'
import type { Asking, ByteBudget, Hold } from '../../api/byte-budget.ts'

declare module 'fastify' {
  interface FastifyContextConfig {
    /** An answer of this route may be so long: room is made before its handler runs. Absent: short, or the handler makes room. */
    answerBytes?: number
  }
  interface FastifyRequest {
    /** Makes room for an answer of so many bytes, in the place of what was reserved before. @throws AppError rate_limited | overloaded */
    reserve(bytes: number, asking?: Asking): Promise<void>
  }
}

/** Answers to callers without a credential share the room of one tenant. */
const strangers = 'strangers'

export function accountForAnswers(app: FastifyInstance, budget: ByteBudget): void {
  const holds = new WeakMap<FastifyRequest, Hold>()

  function replace(request: FastifyRequest, hold: Hold | undefined): void {
    holds.get(request)?.release()
    holds.delete(request)
    if (hold) holds.set(request, hold)
  }

  app.decorateRequest(
    'reserve',
    async function reserve(this: FastifyRequest, bytes: number, asking?: Asking) {
      replace(this, undefined)
      if (bytes > 0) replace(this, await budget.take(whose(this), bytes, this.calledOff, asking))
    },
  )
  app.addHook('onRequest', async (request, reply) => {
    reply.raw.once('close', () => replace(request, undefined))
  })
  app.addHook('preHandler', async (request) => {
    const { answerBytes } = request.routeOptions.config
    if (answerBytes) await request.reserve(answerBytes)
  })
  app.addHook('onSend', async (request, reply, payload) => {
    if (typeof payload !== 'string' && !Buffer.isBuffer(payload)) return payload
    // Bytes lie outside of the heap, and once.
    const bytes = Buffer.isBuffer(payload) ? payload : Buffer.from(payload)
    if (reply.raw.destroyed) return bytes
    const hold = holds.get(request) ?? budget.hold(whose(request), 0)
    holds.set(request, hold)
    // Here too: of a request that was refused before the first hook above nothing else would let go.
    reply.raw.once('close', () => replace(request, undefined))
    hold.resize(bytes.length)
    hold.waitsForCaller(() => {
      request.log.warn('an answer was given up: its caller did not take it, and others need the room')
      request.raw.socket.destroy()
    })
    return bytes
  })
}

/** The operator asks for a tenant; what is about none is the operator's own. */
function whose({ principal, params }: FastifyRequest): string {
  if (principal?.kind === 'tenant') return principal.tenantId
  const { tenant_id: named } = (params ?? {}) as { tenant_id?: string }
  return principal ? (named?.toLowerCase() ?? principal.kind) : strangers
}
