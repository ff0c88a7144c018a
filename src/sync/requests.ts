/** Requests runs for a caller, a connect or the schedule; the caller then wakes a worker. */
import type { TenantScope } from '../db/scope.ts'
import {
  claimScheduleSlot,
  hasWatermark,
  isSlotUseful,
  requestRun,
  type StreamKey,
  scheduleStream,
} from './store.ts'
import { type SyncType, scheduleOffset } from './stream.ts'

/** How often the schedule starts each sync type, ms. */
export type SyncPeriods = Readonly<Record<SyncType, number>>

/**
 * Requests a sync after a connect: full until a full run has succeeded once, incremental from then
 * on. Also puts the integration on the schedule.
 */
export async function requestSyncOnConnect(
  scope: TenantScope,
  integrationId: string,
  kind: string,
  periods: SyncPeriods,
): Promise<StreamKey> {
  for (const syncType of ['full', 'incremental'] as const) {
    const period = periods[syncType]
    await scheduleStream(
      scope,
      { integrationId, kind, syncType },
      period,
      scheduleOffset(integrationId, period),
    )
  }
  const complete = await hasWatermark(scope, { integrationId, kind, syncType: 'full' })
  const key: StreamKey = { integrationId, kind, syncType: complete ? 'incremental' : 'full' }
  await requestRun(scope, key, 'connect')
  return key
}

/** Takes a schedule slot that is due. @returns whether this queued a run */
export async function requestScheduledRun(
  scope: TenantScope,
  key: StreamKey,
  periods: SyncPeriods,
): Promise<boolean> {
  const period = periods[key.syncType]
  if (!(await claimScheduleSlot(scope, key, period, scheduleOffset(key.integrationId, period)))) return false
  if (!(await isSlotUseful(scope, key))) return false
  const { already } = await requestRun(scope, key, 'schedule')
  return !already
}
