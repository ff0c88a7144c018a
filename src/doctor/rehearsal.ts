/** The rehearsal: two tenants on a scratch database, and every attack of one on the other. */
import type { FastifyInstance } from 'fastify'
import { startRehearsalApi } from '../app/start.ts'
import type { Config } from '../config.ts'
import type { Database } from '../db/database.ts'
import { createLog } from '../lib/log.ts'
import { Secret } from '../lib/secret.ts'
import { createFakeAuthenticate, createFakeHubSpot } from './fakes.ts'
import { createFixtures } from './fixtures.ts'
import type { RehearsalContext } from './rehearsal-request.ts'
import { tryRequests } from './try-requests.ts'
import { tryStatementsAsTenant, tryStatementsBeyondGrants } from './try-statements.ts'
import { tryViewsAsReader } from './try-views.ts'

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
const rehearsalConfig = (config: Config, ring: Config['keyRing']): Config => ({
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
export async function runRehearsal(
  db: Database,
  config: Config,
  addTo: (server: FastifyInstance) => void = () => {},
): Promise<Rehearsal> {
  const fixtures = await createFixtures(db)
  const asTenant = await tryStatementsAsTenant(db, fixtures)
  const beyondGrants = await tryStatementsBeyondGrants(db, fixtures)
  const asReader = await tryViewsAsReader(db, fixtures)
  const hubspot = createFakeHubSpot()
  const { server, stop } = await startRehearsalApi(
    rehearsalConfig(config, fixtures.ring),
    db,
    createLog('silent'),
    {
      hubspot,
      authenticate: createFakeAuthenticate([fixtures.a.tenantId, fixtures.b.tenantId]),
    },
  )
  try {
    addTo(server)
    const context: RehearsalContext = { db, fixtures, server, calls: hubspot.calls, mentioned: new Set() }
    const request = await tryRequests(context)
    return {
      tables: fixtures.tables.filter(({ ofTenants }) => ofTenants).length,
      routes: server.rules.length,
      statements: asTenant.count + beyondGrants.count + asReader.count,
      requests: request.count,
      leaked: asTenant.leaked + beyondGrants.leaked + asReader.leaked + request.leaked,
      faults: [fixtures, asTenant, beyondGrants, asReader, request].flatMap(({ faults }) => faults),
    }
  } finally {
    await stop()
  }
}
