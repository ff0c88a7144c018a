/** Ends open responses whose credential is no longer valid, with one poll per process. */
import { principalName } from '../api/principal.ts'
import type { Database } from '../db/database.ts'
import { withSystem } from '../db/scope.ts'
import type { Clock } from '../lib/clock.ts'
import { AppError } from '../lib/errors.ts'
import type { Log } from '../lib/log.ts'
import { createPoller } from '../lib/poller.ts'
import type { AuthContext } from './auth-context.ts'
import { isCredentialValid } from './credential.ts'
import { findSessions } from './session-store.ts'

const intervalMs = 500

export interface RevocationWatch {
  /**
   * Watching does not count as a use: the session of a page that only listens ends when idle.
   *
   * @param open aborts when the response is over; then it is no longer watched
   * @returns aborts as `open` does, and within about a second of a logout, a revocation or the
   *   credential's expiry; then the reason is an AppError unauthenticated, for a response that has
   *   not begun
   */
  signalOf(context: AuthContext, open: AbortSignal): AbortSignal
}

export function createRevocationWatch(db: Database, clock: Clock, log: Log): RevocationWatch {
  const watched = new Map<AbortController, AuthContext>()
  const never = new AbortController()

  async function poll(): Promise<void> {
    const all = [...watched]
    const revoked = await withSystem(db, async (scope) => {
      const hashes = all.flatMap(([, { session }]) => session?.tokenHash ?? [])
      const alive = new Set((await findSessions(scope, hashes)).map(({ token_hash }) => token_hash))
      const valid = new Map<string, boolean>()
      for (const by of new Set(all.map(([, { principal }]) => principalName(principal))))
        valid.set(by, await isCredentialValid(scope, by))
      return all.filter(([, { principal, session, until = Number.POSITIVE_INFINITY }]) => {
        const ended = session !== undefined && !alive.has(session.tokenHash)
        return ended || clock.now() >= until || !valid.get(principalName(principal))
      })
    })
    for (const [controller] of revoked)
      controller.abort(new AppError('unauthenticated', 'This credential is no longer valid'))
  }

  const startPolling = createPoller({
    clock,
    intervalMs,
    isWanted: () => watched.size > 0,
    // While the database is unavailable, there is nothing to send on the stream either.
    poll: () => poll().catch((err: unknown) => log.warn({ err }, 'open streams could not be checked')),
    stopped: never.signal,
  })

  return {
    signalOf(context, open) {
      if (context.principal.kind === 'open' || open.aborted) return open
      const controller = new AbortController()
      watched.set(controller, context)
      open.addEventListener('abort', () => watched.delete(controller), { once: true })
      startPolling()
      return AbortSignal.any([open, controller.signal])
    },
  }
}
