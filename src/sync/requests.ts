/** Asking for runs: by a caller, at connect, by the schedule. Rows only; waking a worker is the caller's next step. */
import type { TenantScope } from '../db/scope.ts'
import { claimSlot, hasWatermark, requestRun, type StreamKey, scheduleStream, slotIsOfUse } from './store.ts'
import { type Mode, scheduleOffset } from './stream.ts'

/** How often the schedule starts each mode, ms. */
export type Periods = Readonly<Record<Mode, number>>

/** After a connect: everything, until that has come to its end once; later what changed since. And onto the schedule. */
export async function beginSync(
  scope: TenantScope,
  integrationId: string,
  kind: string,
  periods: Periods,
): Promise<StreamKey> {
  for (const mode of ['full', 'incremental'] as const) {
    const period = periods[mode]
    await scheduleStream(scope, { integrationId, kind, mode }, period, scheduleOffset(integrationId, period))
  }
  const complete = await hasWatermark(scope, { integrationId, kind, mode: 'full' })
  const key: StreamKey = { integrationId, kind, mode: complete ? 'incremental' : 'full' }
  await requestRun(scope, key, 'connect')
  return key
}

/** A slot of the schedule has come. @returns whether a run was queued by it */
export async function takeSlot(scope: TenantScope, key: StreamKey, periods: Periods): Promise<boolean> {
  const period = periods[key.mode]
  if (!(await claimSlot(scope, key, period, scheduleOffset(key.integrationId, period)))) return false
  if (!(await slotIsOfUse(scope, key))) return false
  const { already } = await requestRun(scope, key, 'schedule')
  return !already
}
