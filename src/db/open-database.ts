/** Opens the database: PostgreSQL by URL, or PGlite embedded in a directory. */
import { type Clock, systemClock } from '../lib/clock.ts'
import type { Log } from '../lib/log.ts'
import type { Database, DatabaseTarget } from './database.ts'
import { openEmbedded } from './embedded.ts'
import { openPostgres } from './postgres.ts'

/**
 * Opens the database without touching its schema.
 *
 * @throws LockedError when another process has locked the embedded directory
 * @throws DatabaseStartError when the database cannot be used
 */
export async function openDatabase(
  target: DatabaseTarget,
  log: Log,
  clock: Clock = systemClock,
): Promise<Database> {
  return target.url
    ? await openPostgres(target, target.url, log, clock)
    : await openEmbedded(target, log, clock)
}
