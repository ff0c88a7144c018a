/** Starts what `spoke serve` and `spoke worker` run, and what tests run in their own process. */
import type { AddressInfo } from 'node:net'
import type { FastifyInstance } from 'fastify'
import type { Config } from '../config.ts'
import type { Database } from '../db/database.ts'
import { isolationBypassWarnings } from '../db/isolation/bypass.ts'
import { migrate } from '../db/migrate.ts'
import { type Clock, systemClock } from '../lib/clock.ts'
import type { Log } from '../lib/log.ts'
import { type PollPeriods, pollPeriods } from '../worker/poll-periods.ts'
import { compose, type RehearsalFakes } from './compose.ts'
import { migrateAll, openServingDatabase } from './open.ts'
import {
  requireMatchingKeyRing,
  requireNoKeysInOpenMode,
  requireTenantIsolation,
  StartError,
} from './preflight.ts'
import { type Shutdown, shutDown } from './shutdown.ts'

export interface Service {
  /** The listening address. A worker alone only serves probes there. */
  url: string
  /** The name in its stream claims (`lease_owner`). */
  instance: string
  db: Database
  /** Finishes or releases the current work, within about ten seconds. */
  stop(): Promise<void>
}

/** @throws ConfigError | LockedError | StartError | the database's own error */
export async function startService(
  config: Config,
  log: Log,
  clock: Clock = systemClock,
  polls: PollPeriods = pollPeriods,
): Promise<Service> {
  if (config.databaseUrl) await migrateAll(config, log)
  const db = await openServingDatabase(config, log)
  const shutdown: Shutdown = { resources: [() => db.close()], running: [] }
  try {
    if (db.kind === 'embedded') await migrate(db)
    await requireTenantIsolation(db, config)
    for (const warning of await isolationBypassWarnings(db))
      log.warn({ warning }, 'the database grants more than Spoke needs')
    await requireNoKeysInOpenMode(db, config)
    await requireMatchingKeyRing(db, config)
    const { server, instance } = await compose(config, db, log, clock, shutdown, polls)
    return { url: await listen(server, config), instance, db, stop: () => shutDown(shutdown, log) }
  } catch (error) {
    await shutDown(shutdown, log)
    throw error
  }
}

/** The API as `serve` runs it, on the caller's database, with fakes and without a socket. */
export async function startRehearsalApi(
  config: Config,
  db: Database,
  log: Log,
  fakes: RehearsalFakes,
): Promise<{ server: FastifyInstance; stop(): Promise<void> }> {
  const shutdown: Shutdown = { resources: [], running: [] }
  const { server } = await compose(
    { ...config, role: 'api' },
    db,
    log,
    systemClock,
    shutdown,
    pollPeriods,
    fakes,
  )
  return { server, stop: () => shutDown(shutdown, log) }
}

async function listen(server: FastifyInstance, { host, port: wanted }: Config): Promise<string> {
  await server.listen({ host, port: wanted }).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'EADDRINUSE') throw error
    throw new StartError(`port ${wanted} on ${host} is taken; stop what listens there or set PORT`)
  })
  const { port } = server.server.address() as AddressInfo
  return `http://${host.includes(':') ? `[${host}]` : host}:${port}`
}
