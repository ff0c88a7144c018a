/** The rehearsal: two tenants on a scratch database, and every attack of one on the other. */
import type { FastifyInstance } from 'fastify'
import { startRehearsalApi } from '../app/start.ts'
import type { Config } from '../config.ts'
import type { Database } from '../db/database.ts'
import { createLog } from '../lib/log.ts'
import { Secret } from '../lib/secret.ts'
import type { RehearsalContext } from './stage.ts'
import { believe, noHubSpot, noQueues } from './stand-ins.ts'
import { tryRequests } from './try-requests.ts'
import { tryAsTenant, tryBeyondGrants } from './try-statements.ts'
import { createFixtures } from './world.ts'

export interface Rehearsal {
  tables: number
  routes: number
  /** Statements and requests tried. */
  statements: number
  requests: number
  /** Rows of the other tenant that a statement reached, plus responses with the other's data. */
  leaked: number
  faults: string[]
}

/**
 * The configuration of the rehearsed service, which replaces the operator's: none of their
 * resources is opened or called.
 */
const stageConfig = (config: Config, ring: Config['keyRing']): Config => ({
  ...config,
  databaseUrl: undefined,
  migrateUrl: undefined,
  keyRing: ring,
  adminKey: new Secret('nobody knows this key, and the rehearsal has no use for it'),
  hubspot: {
    ...config.hubspot,
    apiUrl: 'http://127.0.0.1:9',
    app: {
      clientId: 'rehearsal',
      appId: 1,
      clientSecrets: [new Secret('rehearsal')],
      redirectUri: `${config.publicUrl}/api/hubspot/oauth/callback`,
      requiredScopes: ['oauth', 'tickets'],
      optionalScopes: [],
    },
  },
})

/**
 * @param db migrated and unused; it is filled with two tenants
 * @param addTo adds routes to the server before the requests
 */
export async function rehearse(
  db: Database,
  config: Config,
  addTo: (server: FastifyInstance) => void = () => {},
): Promise<Rehearsal> {
  const world = await createFixtures(db)
  const asTenant = await tryAsTenant(db, world)
  const asDoors = await tryBeyondGrants(db, world)
  const hubspot = noHubSpot()
  const { server, stop } = await startRehearsalApi(stageConfig(config, world.ring), db, createLog('silent'), {
    hubspot,
    queues: noQueues,
    authenticate: believe([world.a.tenantId, world.b.tenantId]),
  })
  try {
    addTo(server)
    const stage: RehearsalContext = { db, world, server, calls: hubspot.calls, mentioned: new Set() }
    const asked = await tryRequests(stage)
    return {
      tables: world.tables.filter(({ ofTenants }) => ofTenants).length,
      routes: server.rules.length,
      statements: asTenant.count + asDoors.count,
      requests: asked.count,
      leaked: asTenant.leaked + asDoors.leaked + asked.leaked,
      faults: [...world.faults, ...asTenant.faults, ...asDoors.faults, ...asked.faults],
    }
  } finally {
    await stop()
  }
}
