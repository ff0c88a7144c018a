/** Sync: its routes, the streams of each kind of object, and how long runs are kept. */
import type { Feature } from '../api/feature.ts'
import { deleteOldSyncEvents, hasOldSyncEvents } from './event-retention-store.ts'
import type { ObjectKind } from './object-kind.ts'
import { createProgressWatch } from './progress.ts'
import { requestSyncOnConnect } from './requests.ts'
import { type SyncRouteDependencies, syncRoutes } from './routes.ts'
import { cancelRuns } from './run-end-store.ts'
import { countDueStreams, findAwaitingStreams, resumeAwaitingStream } from './schedule-store.ts'
import { type SyncRunnerDependencies, syncSources } from './sync-runner.ts'

export interface SyncDependencies
  extends SyncRunnerDependencies,
    Omit<SyncRouteDependencies, 'progress' | 'kind'> {
  /** Routes request runs of the first one. */
  kinds: readonly [ObjectKind, ...ObjectKind[]]
  retention: { syncEventsMs: number | undefined }
}

/** A gauge need not be exact beyond this. */
const maxCounted = 10_000

export function syncFeature(deps: SyncDependencies): Feature {
  const { db, clock, metrics, log, kinds, periods, retention } = deps
  const progress = createProgressWatch(db, clock, log)
  return {
    routes: (app) => syncRoutes(app, { ...deps, progress, kind: kinds[0].name }),
    work: syncSources(deps),
    hooks: {
      async connected(scope, integrationId) {
        for (const { name } of kinds) await requestSyncOnConnect(scope, integrationId, name, periods)
      },
      disconnected: cancelRuns,
      retention: [
        {
          name: 'sync_events',
          keepMs: retention.syncEventsMs,
          hasExpired: hasOldSyncEvents,
          remove: deleteOldSyncEvents,
        },
      ],
      count: async (scope) => metrics.streamsDue.set(await countDueStreams(scope, maxCounted)),
      async findAwaiting(scope, atMost) {
        const streams = await findAwaitingStreams(scope, atMost)
        return streams.map(({ tenant_id, integration_id: integrationId, kind, sync_type: syncType }) => ({
          tenantId: tenant_id,
          resume: (tenant) => resumeAwaitingStream(tenant, { integrationId, kind, syncType }),
        }))
      },
    },
    close: async () => progress.stop(),
  }
}
