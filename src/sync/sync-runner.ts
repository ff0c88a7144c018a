/** Runs the streams that are due: two sources, so that incremental runs never wait for full ones. */
import type { WorkSource } from '../api/feature.ts'
import { findInOneList } from '../db/scan.ts'
import { parseTenantId } from '../db/tenant-id.ts'
import type { ObjectKind } from './object-kind.ts'
import type { RunDependencies } from './run-state.ts'
import { runStream } from './run-stream.ts'
import { dueStreams, type TenantStream } from './schedule-store.ts'
import type { SyncType } from './stream.ts'

export interface SyncRunnerDependencies extends RunDependencies {
  kinds: readonly ObjectKind[]
  /** Runs of each sync type at once in this process. */
  concurrency: number
}

export const syncSources = (deps: SyncRunnerDependencies): WorkSource<TenantStream>[] =>
  (['full', 'incremental'] as const).map((syncType) => syncSource(deps, syncType))

function syncSource(deps: SyncRunnerDependencies, syncType: SyncType): WorkSource<TenantStream> {
  return {
    name: `${syncType}_sync`,
    ...findInOneList<TenantStream>((room) => dueStreams(deps.claimant, syncType, room)),
    keyOf: ({ integration_id, kind }) => `${integration_id} ${kind}`,
    tenantOf: ({ tenant_id }) => tenant_id,
    limit: () => deps.concurrency,
    perTenant: Math.max(1, Math.ceil(deps.concurrency / 2)),
    async run({ tenant_id, integration_id, kind: name, sync_type }, signal) {
      const kind = deps.kinds.find((one) => one.name === name)
      if (!kind) throw new Error(`a stream has the unknown kind ${name}`)
      const key = { integrationId: integration_id, kind: name, syncType: sync_type }
      await runStream(deps, parseTenantId(tenant_id), key, kind, signal)
      return 0
    },
  }
}
