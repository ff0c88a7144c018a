/** When the work of a request ends: its caller leaves, loses access, or its deadline passes. */
import type { FastifyRequest } from 'fastify'
import type { AuthContext } from '../auth/auth-context.ts'
import type { RevocationWatch } from '../auth/revocation-watch.ts'
import { HubSpotError } from '../hubspot/hubspot-error.ts'

declare module 'fastify' {
  interface FastifyRequest {
    /** Aborts when the response has ended, when the caller is gone, and when the service stops. */
    abortSignal: AbortSignal
  }
}

export interface RequestSignals {
  /** All calls to HubSpot of one request share its deadline. */
  signalOf(request: FastifyRequest): AbortSignal
  /** For a response that stays open: aborts when the caller's credential is no longer valid. */
  watchOf(request: FastifyRequest): AbortSignal
}

/** @param requestMs time that one request may spend on all its calls to HubSpot */
export function createRequestSignals(requestMs: number, revocationWatch: RevocationWatch): RequestSignals {
  return {
    signalOf(request) {
      const deadline = new AbortController()
      const timer = setTimeout(() => deadline.abort(new HubSpotError('timeout', 'request')), requestMs)
      request.abortSignal.addEventListener('abort', () => clearTimeout(timer), { once: true })
      return AbortSignal.any([request.abortSignal, deadline.signal])
    },
    watchOf: (request) => revocationWatch.signalOf(request.authContext as AuthContext, request.abortSignal),
  }
}
