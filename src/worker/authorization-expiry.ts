/** Discards unconfirmed OAuth grants, apart from the scheduler, which must not wait for HubSpot. */
import { type ExpireParts, releaseExpired } from '../integrations/oauth/expire-authorizations.ts'
import type { Clock } from '../lib/clock.ts'

const pollIntervalMs = 5_000

/** Runs until the signal aborts. A failed pass is logged and repeated. */
export async function runAuthorizationExpiry(
  deps: ExpireParts & { clock: Clock },
  signal: AbortSignal,
): Promise<void> {
  while (!signal.aborted) {
    await releaseExpired(deps, signal).catch((err: unknown) =>
      deps.log.warn({ err }, 'unconfirmed grants could not be listed'),
    )
    await deps.clock.sleep(pollIntervalMs, signal).catch(() => {})
  }
}
