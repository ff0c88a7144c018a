/** `spoke serve` and `spoke worker`: the service, its signals and its watchdog. */
import type { Service } from '../app/start.ts'
import { readConfig } from '../config.ts'
import { systemClock } from '../lib/clock.ts'
import { createLog } from '../lib/log.ts'
import { startWatchdog } from '../lib/watchdog.ts'
import { type PollPeriods, pollPeriods } from '../worker/poll-periods.ts'
import { printNotice } from './console.ts'

/**
 * Runs the service until SIGTERM or SIGINT, then stops it within about ten seconds and exits.
 *
 * @param over replaces variables of the environment
 * @param polls how often the worker polls; tests poll more often
 */
export async function serve(over: Record<string, string>, polls: PollPeriods = pollPeriods): Promise<void> {
  const read = readConfig({ ...process.env, ...over }, printNotice)
  const log = createLog(read.logLevel)
  let service: Service | undefined
  let stopping = false
  const stop = async (signal: string) => {
    if (stopping) return
    stopping = true
    log.info({ signal }, 'stopping')
    // Exit even if something hangs; leases and the next start recover the rest.
    setTimeout(() => process.exit(1), 10_000).unref()
    await service?.stop()
    process.exit(0)
  }
  const crash = (err: unknown) => {
    log.fatal({ err }, 'a bug: the process exits and its leases expire')
    process.exit(1)
  }
  for (const signal of ['SIGTERM', 'SIGINT']) process.on(signal, () => void stop(signal).catch(crash))
  const watchdog =
    read.watchdogMs > 0
      ? startWatchdog(read.watchdogMs, read.databaseUrl ? undefined : read.dataDir, log)
      : undefined
  // Loaded only now: a wrong setting is refused without loading the whole service.
  const { startService } = await import('../app/start.ts')
  service = await startService(read, log, systemClock, polls)
  watchdog?.started()
  process.on('uncaughtException', crash)
  process.on('unhandledRejection', crash)
  if (!read.adminKey) {
    log.warn(
      'open mode: no admin key is set, so anyone on this machine can access every tenant; set SPOKE_ADMIN_KEY to require a key',
    )
  }
  const { url, instance, db } = service
  log.info({ url, database: db.kind, role: read.role, instance }, 'Spoke is listening')
}
