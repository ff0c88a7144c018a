/** Every few seconds: grants that nobody confirmed in time are forgotten. Beside the sweep, which waits for no call to HubSpot. */
import { type ExpireParts, releaseExpired } from '../integrations/oauth/expire-authorizations.ts'
import type { Clock } from '../lib/clock.ts'

const everyMs = 5_000

/** Goes on until the signal aborts. A pass that fails is logged; the next tries again. */
export async function expireUntil(parts: ExpireParts & { clock: Clock }, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    await releaseExpired(parts, signal).catch((err: unknown) =>
      parts.log.warn({ err }, 'grants that nobody confirmed could not be looked for'),
    )
    await parts.clock.sleep(everyMs, signal).catch(() => {})
  }
}
