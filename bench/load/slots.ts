/** How late the schedule's runs end: each slot of each integration, and the run that it began. */
import { scheduleOffset } from '../../src/sync/stream.ts'
import { ascending, quantile, round } from './result.ts'
import type { Connected, Service } from './service.ts'

export interface Lags {
  /** That arrived within the requested time. */
  slots: number
  /** Of these: without a run that has ended. */
  missed: number
  median_s: number
  p95_s: number
  p99_s: number
  max_s: number
}

/** The slots of one integration in a time; all in epoch ms. As src/sync/store.ts lays them. */
export function slotsBetween(integrationId: string, from: number, to: number, periodMs: number): number[] {
  const offset = scheduleOffset(integrationId, periodMs)
  const slots: number[] = []
  for (let slot = Math.ceil((from - offset) / periodMs) * periodMs + offset; slot < to; slot += periodMs)
    slots.push(slot)
  return slots
}

export async function lagsOf(
  service: Service,
  tenants: readonly Connected[],
  time: { from: Date; to: Date; periodMs: number },
): Promise<Lags> {
  const { from, to, periodMs } = time
  const events = await service.rows<{ integration_id: string; requested_at: Date; finished_at: Date | null }>(
    `select integration_id, requested_at, finished_at from sync_events
     where sync_type = 'incremental' and trigger = 'schedule' and requested_at >= $1 order by requested_at`,
    [from],
  )
  const of = Map.groupBy(events, ({ integration_id }) => integration_id)
  const lags: number[] = []
  let [slots, missed] = [0, 0]
  for (const { integrationId } of tenants) {
    for (const slot of slotsBetween(integrationId, from.getTime(), to.getTime(), periodMs)) {
      slots += 1
      const run = of.get(integrationId)?.find(({ requested_at }) => {
        const after = requested_at.getTime() - slot
        return after >= 0 && after < periodMs
      })
      if (run?.finished_at) lags.push((run.finished_at.getTime() - slot) / 1_000)
      else missed += 1
    }
  }
  const sorted = ascending(lags)
  const at = (part: number) => round(quantile(sorted, part), 2)
  return { slots, missed, median_s: at(0.5), p95_s: at(0.95), p99_s: at(0.99), max_s: at(1) }
}
