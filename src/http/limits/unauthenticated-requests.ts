/**
 * A separate pool for unauthenticated requests: public routes, and webhooks before verification.
 *
 * However many there are, they take no slot from a caller with a credential.
 */
import type { FastifyReply, FastifyRequest } from 'fastify'
import { callerAddress, rateLimitAddress } from './client-address.ts'

export interface UnauthenticatedLimits {
  /** Beyond this the oldest unfinished request is closed for each new one. */
  usual: number
  /** The same for the requests of one address. */
  ofOneAddress: number
  /** Beyond this new requests are refused. */
  max: number
}

export interface UnauthenticatedRequests {
  /** @returns false: there is no room, and nothing can be closed to make some */
  enter(request: FastifyRequest, reply: FastifyReply): boolean
}

interface Entry {
  request: FastifyRequest
  reply: FastifyReply
  address: string
  /** Monotonic, ms. */
  since: number
}

/** A client that sends its request in one piece has finished by this age, ms. */
const unfinishedMs = 250

/**
 * A request is closed for a newer one only while this process waits for its caller: to send the
 * rest of the body, or to read the response. Callers that send and read promptly are not affected,
 * from however many addresses the others come.
 *
 * @param now monotonic, ms
 * @param onClosed called for each request that was closed for a newer one
 */
export function createUnauthenticatedRequests(
  limits: UnauthenticatedLimits,
  now: () => number,
  onClosed: () => void,
): UnauthenticatedRequests {
  /** In order of arrival. */
  const all = new Set<Entry>()
  const byAddress = new Map<string, Set<Entry>>()

  function leave(entry: Entry): void {
    all.delete(entry)
    const own = byAddress.get(entry.address)
    own?.delete(entry)
    if (own?.size === 0) byAddress.delete(entry.address)
  }

  function closeOldest(entries: Iterable<Entry>): boolean {
    const before = now() - unfinishedMs
    for (const entry of entries) {
      if (entry.since > before) return false
      if (!waitsForCaller(entry)) continue
      leave(entry)
      entry.request.raw.socket.destroy()
      onClosed()
      return true
    }
    return false
  }

  return {
    enter(request, reply) {
      const address = rateLimitAddress(callerAddress(request) ?? 'unknown')
      const before = byAddress.get(address)
      const closed = before !== undefined && before.size >= limits.ofOneAddress && closeOldest(before)
      if (!closed && all.size >= limits.usual) closeOldest(all)
      if (all.size >= limits.max) return false
      const entry = { request, reply, address, since: now() }
      all.add(entry)
      const own = byAddress.get(address) ?? new Set()
      byAddress.set(address, own.add(entry))
      reply.raw.once('close', () => leave(entry))
      return true
    },
  }
}

const waitsForCaller = ({ request, reply }: Entry) => !request.raw.complete || reply.raw.writableEnded
