/** Answers 304 to a caller that has the response already (RFC 9110, section 13). */
import { hash } from 'node:crypto'
import type { FastifyInstance } from 'fastify'

declare module 'fastify' {
  interface FastifyContextConfig {
    /** For a GET with a JSON response: it has an ETag, and If-None-Match is respected. */
    etag?: true
  }
}

/**
 * The tag is made of the bytes of the response, so the handler has run as for any other request, with
 * all checks of the caller; only the transfer is saved. Call before hooks that count what is sent.
 */
export function answerConditionalRequests(app: FastifyInstance): void {
  app.addHook('onSend', async (request, reply, payload) => {
    const { method, headers, routeOptions } = request
    if (!routeOptions.config?.etag || reply.statusCode !== 200 || typeof payload !== 'string') return payload
    const etag = `"${hash('sha256', payload, 'base64url')}"`
    reply.header('etag', etag)
    reply.header('vary', 'Authorization')
    // A program may keep the response to compare; a browser, which sends a cookie, stores nothing.
    if (headers.authorization !== undefined) reply.header('cache-control', 'private, no-cache')
    if (!isNamed(headers['if-none-match'], etag)) return payload
    reply.code(304)
    // Without a body after a HEAD too, but with the length that a GET would have.
    if (method === 'HEAD') return payload
    reply.removeHeader('content-type')
    return null
  })
}

/** Compares weakly, as RFC 9110 requires: a proxy that compresses makes the tag a weak one. */
function isNamed(ifNoneMatch: string | undefined, etag: string): boolean {
  if (ifNoneMatch === undefined) return false
  if (ifNoneMatch.trim() === '*') return true
  return [...ifNoneMatch.matchAll(/"[^"]*"/g)].some(([tag]) => tag === etag)
}
