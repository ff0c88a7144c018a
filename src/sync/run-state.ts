/** What the parts of a run share: its dependencies, its state, and how it waits. */
import type { Database } from '../db/database.ts'
import type { Claimant } from '../db/lease.ts'
import type { TenantScope } from '../db/scope.ts'
import type { HubSpot } from '../hubspot/client/client.ts'
import type { Tokens } from '../integrations/tokens/tokens.ts'
import type { Clock } from '../lib/clock.ts'
import type { Log } from '../lib/log.ts'
import type { Metrics } from '../lib/metrics.ts'
import type { ObjectKind } from './object-kind.ts'
import { markWaiting, releaseStream, type StreamClaim } from './store.ts'
import type { Cursor, EventState, StreamKey, SyncPeriods } from './stream.ts'

export interface RunDependencies {
  db: Database
  hubspot: HubSpot
  tokens: Tokens
  claimant: Claimant
  sync: SyncSettings
  periods: SyncPeriods
  /**
   * Called within a step's transaction when an incremental run finds records that were not live
   * here before; `newestAt` is when the newest was created.
   */
  onFound?: (scope: TenantScope, integrationId: string, newestAt: string) => Promise<void>
  /** Called when a run that waited for HubSpot to return has read from it again. */
  onHubSpotReturn?: () => void
  clock: Clock
  metrics: Metrics
  log: Log
}

/** Settings for operators; times in ms. */
export interface SyncSettings {
  /** How far each incremental run reads back before the start of the last one. */
  lookBackMs: number
  /** How far HubSpot's index may lag behind. */
  indexLagMs: number
  /** Share of the live issues (0 to 1) above which one full pass alone marks nothing deleted. */
  maxDeletedShare: number
}

export type RunOutcome =
  /** Nothing to do, or another process has the stream. */
  | 'idle'
  /** The state in which the run ended. */
  | EventState
  /** Released its worker in the middle, to continue at once. */
  | 'yielded'
  /** Waits for HubSpot; the stream is due again when its time has come. */
  | 'backed_off'
  /** A newer claim, a disconnect, a purge or an erasure took the stream away. */
  | 'fenced'

export interface RunState extends RunDependencies {
  key: StreamKey
  kind: ObjectKind
  claim: StreamClaim
  /** Consecutive failures, without a page in between. */
  failures: number
  /** Waited for HubSpot to return, and has read nothing since. */
  awaitsHubSpot: boolean
  /** The cursor of the current step. */
  cursor: Cursor | null
  /** partial: some records could not be saved, or a shortcoming remains (see shortcomingOf). */
  endedAs: EventState
  within<T>(work: (scope: TenantScope) => Promise<T>): Promise<T>
}

/**
 * Releases the stream until the run may continue.
 *
 * @param more restart: the cursor to resume at instead of the current one
 * @returns false when the run no longer owns its stream
 */
export async function waitFor(
  { key, claim, within, failures }: RunState,
  reason: string,
  ms: number,
  more: { failures?: number; restart?: Cursor | undefined; awaitsHubSpot?: boolean } = {},
): Promise<boolean> {
  return await within(async (scope) => {
    const wait = { ms, failures, restart: undefined, awaitsHubSpot: false, ...more }
    const released = await releaseStream(scope, key, claim, wait)
    if (released) await markWaiting(scope, claim.sync_event_id, reason, ms)
    return released
  })
}
