/** Asking for runs: by a caller, at connect, by the schedule. Rows only; waking a worker is the caller's next step. */
import type { TenantScope } from '../tenants/scope.ts'
import { claimSlot, hasWatermark, requestRun, type StreamKey, scheduleStream, slotIsOfUse } from './store.ts'
import { type Mode, scheduleOffset } from './stream.ts'

/** After a connect: the first time everything, later what changed since; and onto the schedule. */
export async function beginSync(
  scope: TenantScope,
  integrationId: string,
  kind: string,
  everyMs: number,
): Promise<StreamKey> {
  const incremental = { integrationId, kind, mode: 'incremental' as const }
  await scheduleStream(scope, incremental, everyMs, scheduleOffset(integrationId, everyMs))
  const mode: Mode = (await hasWatermark(scope, incremental)) ? 'incremental' : 'full'
  const key = { integrationId, kind, mode }
  await requestRun(scope, key, 'connect')
  return key
}

/** A slot of the schedule has come. @returns whether a run was queued by it */
export async function takeSlot(scope: TenantScope, key: StreamKey, everyMs: number): Promise<boolean> {
  if (!(await claimSlot(scope, key, everyMs, scheduleOffset(key.integrationId, everyMs)))) return false
  if (!(await slotIsOfUse(scope, key))) return false
  const { already } = await requestRun(scope, key, 'schedule')
  return !already
}
