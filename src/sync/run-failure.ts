/** What follows an error of a run: it waits and resumes at its cursor, restarts, or ends as failed. */
import { recordChange } from '../changes/store.ts'
import { appErrorCode, asAppError } from '../hubspot/as-app-error.ts'
import { circuitWaitMs, isHubSpotOutage } from '../hubspot/client/circuit.ts'
import { HubSpotError } from '../hubspot/hubspot-error.ts'
import { lockIntegration, setIntegrationStatus } from '../integrations/store.ts'
import { fullJitter } from '../lib/backoff.ts'
import { AppError } from '../lib/errors.ts'
import type { Log } from '../lib/log.ts'
import { finishRun } from './run-end-store.ts'
import { type RunOutcome, type RunState, waitFor } from './run-state.ts'
import { type Cursor, firstCursor, maxFailures } from './stream.ts'

const betweenFailures = { base: 2_000, cap: 300_000 }

export const pagingCircle = 'paging in a circle'

/** The cursor to restart at, if HubSpot refused its own paging token or led the run in a circle. */
function restartOf({ key, claim, cursor }: RunState, failure: unknown): Cursor | undefined {
  if (!(failure instanceof HubSpotError) || !cursor) return undefined
  const { walk } = cursor
  const refused =
    failure.kind === 'rejected' && (walk.at === 'list' || walk.at === 'search') && walk.after !== undefined
  if (!refused && failure.endpoint !== pagingCircle) return undefined
  return { ...firstCursor(key.syncType, claim.watermark), restarts: (cursor.restarts ?? 0) + 1 }
}

/**
 * Handles an error: the run waits and resumes at the cursor, or ends with a code that says what to
 * do.
 */
export async function handleFailure(run: RunState, failure: unknown, log: Log): Promise<RunOutcome> {
  const { key, claim, within, clock, metrics } = run
  const error = asAppError(failure)
  const code = appErrorCode(failure)
  // A bare 401 arrived despite a fresh token, so it may be temporary, and so may a 403 that is not
  // about scopes. A token that is refused for good arrives as an AppError.
  const passing = failure instanceof HubSpotError && !failure.missing
  const final = error instanceof AppError && !passing
  const awaitsHubSpot = isHubSpotOutage(failure)
  // Not failures: a rate limit, a circuit that let no call through, or an attempt before its time.
  // The run waits at its cursor.
  const uncounted =
    code === 'hubspot_limit' ||
    (failure instanceof HubSpotError && failure.circuit) ||
    (awaitsHubSpot && run.awaitsHubSpot && claim.is_probe)
  const restart = restartOf(run, failure)
  // Restarts are counted separately: the successful steps after each one would otherwise reset the
  // count.
  const failures = Math.max(uncounted ? run.failures : run.failures + 1, restart?.restarts ?? 0)
  log[code === 'internal' ? 'error' : 'warn'](
    { err: failure, code, failures },
    'a sync run encountered an error',
  )
  if (final || failures > maxFailures) {
    const message = error instanceof AppError ? error.message : 'Internal error; see the log of this service'
    const isEnded = await within(async (scope) => {
      await lockIntegration(scope, key.integrationId)
      const ended = await finishRun(scope, key, claim, {
        state: 'failed',
        errorCode: code,
        error: message,
        lost: restart !== undefined,
      })
      if (ended)
        await recordChange(scope, 'sync.failed', key.integrationId, {
          sync_event_id: claim.sync_event_id,
          sync_type: key.syncType,
          code,
        })
      if (ended && !final)
        await setIntegrationStatus(
          scope,
          key.integrationId,
          code === 'token_invalid' ? 'reauth_required' : 'degraded',
          code,
        )
      return ended !== undefined
    })
    if (!isEnded) return 'fenced'
    metrics.syncRuns.inc({ sync_type: key.syncType, state: 'failed' })
    return 'failed'
  }
  const refused = restart && (failure as HubSpotError).kind === 'rejected'
  const waitMs =
    circuitWaitMs(failure, clock) ??
    betweenFailures.base + fullJitter(betweenFailures, failures, clock.random())
  const why = refused ? 'cursor_refused' : code
  const waits = await waitFor(run, why, waitMs, { failures, restart, awaitsHubSpot })
  return waits ? 'backed_off' : 'fenced'
}
