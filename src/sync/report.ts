/** Reports what became of a page's records, as metrics and log lines. */
import type { Log } from '../lib/log.ts'
import type { Metrics } from '../lib/metrics.ts'
import type { UpsertReport } from './object-kind.ts'

/** @param about whose records they are, for the log */
export function logUpsertReport(
  { metrics, log }: { metrics: Metrics; log: Log },
  report: UpsertReport,
  about: Record<string, string>,
): void {
  for (const outcome of ['inserted', 'changed', 'archived', 'unchanged'] as const)
    metrics.syncRecords.inc({ outcome }, report[outcome])
  metrics.syncRecords.inc({ outcome: 'rejected' }, report.rejected.length)
  for (const { id, reason } of report.rejected)
    log.warn({ ...about, ticket_id: id, reason }, 'a record could not be saved')
}
