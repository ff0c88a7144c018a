/** Requests the first run after a connect, and puts the integration on the schedule. */
import type { TenantScope } from '../db/scope.ts'
import { hasWatermark, scheduleStream } from './schedule-store.ts'
import { requestRun } from './store.ts'
import { type StreamKey, type SyncPeriods, slotsOf } from './stream.ts'

/**
 * Requests a sync after a connect: full until a full run has succeeded once, incremental from then
 * on. Also puts the integration on the schedule.
 */
export async function requestSyncOnConnect(
  scope: TenantScope,
  integrationId: string,
  kind: string,
  periods: SyncPeriods,
): Promise<void> {
  for (const syncType of ['full', 'incremental'] as const) {
    const key = { integrationId, kind, syncType }
    await scheduleStream(scope, key, slotsOf(key, periods))
  }
  const complete = await hasWatermark(scope, { integrationId, kind, syncType: 'full' })
  const key: StreamKey = { integrationId, kind, syncType: complete ? 'incremental' : 'full' }
  await requestRun(scope, key, 'connect')
}
