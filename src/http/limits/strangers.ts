/**
 * Requests of callers who have not proved who they are (public routes, webhooks before their signature is verified). They have a
 * pool of their own, so that no number of them takes a place from a caller with a credential.
 */
import type { FastifyReply, FastifyRequest } from 'fastify'
import { callerOf, limitedAs } from './client-address.ts'

export interface StrangerLimits {
  /** Beyond it the oldest unfinished request is closed for each new one. */
  usual: number
  /** The same for the requests of one address. */
  ofOneAddress: number
  /** Beyond it new requests are refused. */
  most: number
}

export interface Strangers {
  /** @returns false: there is no room, and nothing to close for it */
  enter(request: FastifyRequest, reply: FastifyReply): boolean
}

interface Entry {
  request: FastifyRequest
  reply: FastifyReply
  address: string
  /** Monotonic, ms. */
  since: number
}

/** A client that sends a request in one go is never younger than this and unfinished, ms. */
const unfinishedMs = 250

/**
 * A request is closed for a newer one only while this process waits for its caller: to send the rest of the body, or to take the
 * answer. Whoever sends and reads at once is not affected, from however many addresses the others come.
 *
 * @param now monotonic, ms
 * @param onClosed called for each request that was closed for a newer one
 */
export function createStrangers(limits: StrangerLimits, now: () => number, onClosed: () => void): Strangers {
  /** In the order in which they came. */
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
      const address = limitedAs(callerOf(request) ?? 'unknown')
      const before = byAddress.get(address)
      const closed = before !== undefined && before.size >= limits.ofOneAddress && closeOldest(before)
      if (!closed && all.size >= limits.usual) closeOldest(all)
      if (all.size >= limits.most) return false
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
