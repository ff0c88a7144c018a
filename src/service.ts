/**
 * Puts the house together: what `spoke serve` and `spoke worker` start, and what a test starts in its own process.
 * Over 200 lines because the order of opening and closing is one thought.
 */
import { randomUUID } from 'node:crypto'
import type { AddressInfo } from 'node:net'
import { getHeapStatistics } from 'node:v8'
import type { FastifyInstance } from 'fastify'
import { byteLimits, createByteBudget } from './api/byte-budget.ts'
import { anyLiveKey } from './auth/api-key-store.ts'
import { type Authenticate, anybody, createAuthenticate } from './auth/authenticate.ts'
import { byJwt, providerOf } from './auth/jwt.ts'
import { byTenantKey, createProveKey } from './auth/prove-key.ts'
import { createProviderKeys } from './auth/provider-keys.ts'
import { createSessions, type Sessions } from './auth/sessions.ts'
import { createStanding } from './auth/standing.ts'
import { createNews } from './changes/news.ts'
import type { Config } from './config.ts'
import { type Database, openDatabase } from './db/database.ts'
import { isolationWarnings } from './db/isolation/bypass.ts'
import { isolationFaults } from './db/isolation/check-isolation.ts'
import { admitLogin } from './db/isolation/login.ts'
import { currentMigration, migrate, newestMigration } from './db/migrate.ts'
import { type TenantScope, withSystem, withSystemOnce } from './db/scope.ts'
import type { TenantId } from './db/tenant-id.ts'
import { createLimiter } from './http/limits/rate-limiter.ts'
import { forgetMinutes, takeTurns } from './http/limits/rate-store.ts'
import { createServer } from './http/server.ts'
import { createAppPause } from './hubspot/budget/app-pause.ts'
import { type BudgetRows, createBudget } from './hubspot/budget/budget.ts'
import { createHubSpot, type HubSpot } from './hubspot/client/client.ts'
import { createJournal } from './hubspot/journal-api.ts'
import { forgetLane } from './inbox/claim-store.ts'
import { createNoticeSilence } from './inbox/silence.ts'
import type { Connected } from './integrations/connect.ts'
import { createConnectionTest } from './integrations/connection-test.ts'
import type { Whose } from './integrations/integration.ts'
import type { IntegrationParts } from './integrations/routes.ts'
import { createTokens } from './integrations/tokens/tokens.ts'
import { createTicketKind, ticketKind } from './issues/ticket-kind.ts'
import { type Clock, systemClock } from './lib/clock.ts'
import { newId } from './lib/ids.ts'
import type { Log } from './lib/log.ts'
import { createMetrics } from './lib/metrics.ts'
import { createEgress, type Egress } from './lib/proxy.ts'
import { productEndpoint } from './outbox/endpoint.ts'
import { setProductEndpoint } from './outbox/endpoint-store.ts'
import { createPoster } from './outbox/post.ts'
import { createProgress } from './sync/progress.ts'
import { purge } from './sync/purge.ts'
import { beginSync } from './sync/requests.ts'
import { cancelRuns, type StreamKey } from './sync/store.ts'
import { admitRing } from './tenants/key-ring.ts'
import { createQueues, type Queues } from './worker/queues.ts'
import { startWorker, type Worker } from './worker/worker.ts'

/** Refuses the start, in a line for the operator. */
export class StartError extends Error {
  override name = 'StartError' as const
}

export interface Service {
  /** Where it listens; a worker alone answers to probes there. */
  url: string
  /** The name under which it claims streams (`lease_by`). */
  instance: string
  db: Database
  /** Finishes or gives back what is in hand, within about ten seconds. */
  stop(): Promise<void>
}

const stopWithinMs = 8_000
/** Sweeps take less, and so do the wake-ups that follow a commit. */
const erasureQuietMs = 10_000

/** Brings the schema up to date, with the login that may. @returns what was applied */
export async function migrateAll(config: Config, log: Log): Promise<string[]> {
  const { migrateUrl, databaseUrl, dataDir, databaseWaitMs: waitMs, minFreeBytes } = config
  const url = migrateUrl ?? databaseUrl
  const variable = migrateUrl ? 'SPOKE_MIGRATE_URL' : 'DATABASE_URL'
  const db = await openDatabase({ url, variable, dataDir, poolSize: 2, waitMs, minFreeBytes }, log)
  try {
    const applied = await migrate(db)
    if (url) await createQueues(db, url, true, log).install()
    if (config.migrateUrl && config.databaseUrl) await admitLogin(db, loginOf(config.databaseUrl))
    return applied
  } finally {
    await db.close()
  }
}

/** @throws ConfigError | LockedError | StartError | the database's own error */
export async function startService(config: Config, log: Log, clock: Clock = systemClock): Promise<Service> {
  if (config.databaseUrl) await migrateAll(config, log)
  const db = await openServing(config, log)
  const house: House = { ground: [() => db.close()], running: [] }
  try {
    if (db.kind === 'embedded') await migrate(db)
    await refuseUnsafe(db, config)
    for (const warning of await isolationWarnings(db))
      log.warn({ warning }, 'the database allows more than it must')
    await refuseOpenKeys(db, config)
    await refuseWrongKeys(db, config)
    const { server, instance } = await assemble(config, db, log, clock, house)
    return { url: await listen(server, config), instance, db, stop: () => closeHouse(house, log) }
  } catch (error) {
    await closeHouse(house, log)
    throw error
  }
}

/** What a rehearsal puts in the place of the world outside: nobody is called or woken, and it says who asks. */
export interface StandIns {
  hubspot: HubSpot
  queues: Queues
  authenticate: Authenticate
}

/** The API as `serve` has it, on a database of the caller's, with stand-ins and without a socket. */
export async function standUp(
  config: Config,
  db: Database,
  log: Log,
  standIns: StandIns,
): Promise<{ server: FastifyInstance; stop(): Promise<void> }> {
  const house: House = { ground: [], running: [] }
  const { server } = await assemble({ ...config, role: 'api' }, db, log, systemClock, house, standIns)
  return { server, stop: () => closeHouse(house, log) }
}

export function openServing(config: Config, log: Log): Promise<Database> {
  const { databaseUrl: url, dataDir, poolSize, prepare, databaseWaitMs: waitMs, minFreeBytes } = config
  return openDatabase({ url, dataDir, poolSize, statementMs: 5_000, prepare, waitMs, minFreeBytes }, log)
}

/**
 * For a command that works on the database beside the service and serves nothing.
 *
 * @throws LockedError | StartError | as `work`
 */
export async function besideService<T>(
  config: Config,
  log: Log,
  work: (db: Database) => Promise<T>,
): Promise<T> {
  const db = await openServing(config, log)
  try {
    await refuseUnsafe(db, config)
    return await work(db)
  } finally {
    await db.close()
  }
}

/** An answer of the API, asked from inside. */
export interface Asked {
  status: number
  body: Record<string, unknown>
}

/**
 * What the operator may ask of the API, asked beside the service and over no network.
 *
 * @throws LockedError when the service holds the embedded directory: then it is asked itself. StartError
 */
export async function askBeside(
  config: Config,
  log: Log,
  request: { method: 'GET' | 'POST' | 'DELETE'; url: string; payload?: object },
): Promise<Asked> {
  return await besideService(config, log, async (db) => {
    await refuseWrongKeys(db, config)
    const open = config.adminKey === undefined
    const server = await createServer({
      open,
      authenticate: async () => ({ principal: { kind: 'admin', by: 'cli' } }),
      publicUrl: config.publicUrl,
      log,
      requestMs: config.hubspot.timeoutMs,
      health: { db, metrics: createMetrics(), draining: () => false },
      audit: { db, ring: config.keyRing },
      load: config.load,
      bytes: createByteBudget(byteLimits(), systemClock, () => {}),
      trustedProxies: [],
      clock: systemClock,
      tenants: { db, ring: config.keyRing, open, clock: systemClock },
    })
    try {
      const answer = await server.inject(request)
      return { status: answer.statusCode, body: answer.json() }
    } finally {
      await server.close()
    }
  })
}

type Close = () => Promise<unknown>

/** What was opened so far. */
interface House {
  /** Closed one after the other, the last first. */
  ground: Close[]
  /** Server and worker: stopped first, and at the same time. */
  running: Close[]
}

/** One part that cannot be closed keeps nobody else open. */
async function closeHouse({ ground, running }: House, log: Log): Promise<void> {
  const close = (part: Close) =>
    part().catch((err: unknown) => log.warn({ err }, 'a part of the service could not be closed'))
  await Promise.all(running.map(close))
  for (const part of ground.toReversed()) await close(part)
}

/** @throws StartError unless the schema is the one of this build */
export async function refuseOtherSchema(db: Database): Promise<void> {
  const at = await currentMigration(db)
  if (at !== newestMigration())
    throw new StartError(
      `the schema is at ${at ?? 'nothing'}, not at ${newestMigration()}; run \`spoke migrate\``,
    )
}

/** Never serves on a half-made schema, or behind a wall that does not stand. */
async function refuseUnsafe(db: Database, config: Config): Promise<void> {
  await refuseOtherSchema(db)
  const faults = await isolationFaults(db, config.migrateUrl !== undefined)
  if (faults.length > 0)
    throw new StartError(
      `the wall between tenants does not stand:\n${faults.map((fault) => `  - ${fault}`).join('\n')}`,
    )
}

/** In open mode a key would be asked for by nobody: whoever made it relied on it. */
async function refuseOpenKeys(db: Database, { adminKey }: Config): Promise<void> {
  if (adminKey === undefined && (await withSystem(db, anyLiveKey)))
    throw new StartError(
      'this database holds API keys of tenants, and without SPOKE_ADMIN_KEY everybody on this machine could do without one; set it',
    )
}

function authenticateBy(
  { adminKey, metricsKey, jwt }: Config,
  parts: Parameters<typeof createProveKey>[0] & { egress: Egress | undefined },
  sessions: Sessions,
  { ground }: House,
): Authenticate {
  if (!adminKey) return anybody
  const { clock, log, egress } = parts
  const keys = jwt && createProviderKeys(jwt.jwksUrl, clock, log, egress)
  if (keys) ground.push(() => keys.close())
  const ways = [
    byTenantKey(createProveKey(parts)),
    ...(jwt && keys ? [byJwt(jwt, { ...parts, keys: keys.find })] : []),
  ]
  return createAuthenticate({ admin: adminKey, metrics: metricsKey }, ways, sessions.find)
}

/** Never seals, and never serves, with a ring that does not open what is there. One line, without a key in it. */
export async function refuseWrongKeys(db: Database, { keyRing }: Config): Promise<void> {
  const faults = await admitRing(db, keyRing)
  if (faults.length > 0) throw new StartError(`the key ring does not fit the database: ${faults.join('; ')}`)
}

async function assemble(
  config: Config,
  db: Database,
  log: Log,
  clock: Clock,
  house: House,
  standIns?: StandIns,
): Promise<{ server: FastifyInstance; instance: string }> {
  const metrics = createMetrics()
  const bytes = createByteBudget(byteLimits(), clock, (why) => {
    if (why === 'tenant') metrics.httpLimited.inc({ limit: 'bytes' })
    else metrics.httpShed.inc({ reason: why === 'all' ? 'bytes' : why })
  })
  const budgetRows: BudgetRows = (work) => withSystem(db, ({ query }) => work(query), { fleeting: true })
  const budget = createBudget(budgetRows, clock, metrics)
  const { app, apiUrl, authorizeUrl, timeoutMs } = config.hubspot
  const egress = createEgress(config.proxies, clock, log)
  const appPause = createAppPause(budgetRows)
  const hubspot =
    standIns?.hubspot ?? createHubSpot({ apiUrl, timeoutMs, budget, appPause, clock, metrics, log, egress })
  house.ground.push(
    async () => await egress?.close(),
    () => hubspot.close(),
  )
  const shared = { db, ring: config.keyRing, hubspot, app, clock, metrics, log }
  const tokens = createTokens({ ...shared, tickets: ticketKind, checkEveryMs: config.tokenCheckEveryMs })
  house.ground.push(() => tokens.settle())
  const queues =
    standIns?.queues ?? createQueues(db, config.databaseUrl, config.migrateUrl === undefined, log)
  const claimant = {
    instance: randomUUID(),
    exclusive: db.kind === 'embedded',
    leaseMs: config.leaseMs,
  }
  const periods = { full: config.fullEveryMs, incremental: config.syncEveryMs }
  let draining = false
  const tickets = createTicketKind({ db, hubspot, tokens })

  const patience = { tries: 2, totalMs: timeoutMs }
  const journalWork =
    app && config.journal
      ? {
          ...shared,
          tokens,
          claimant,
          kind: tickets,
          clientId: app.clientId,
          journal: createJournal({ hubspot, app, patience, clock }),
          patience,
          windowMs: config.webhookWindowMs,
        }
      : undefined
  // What tells of the accounts of our own app; of others nothing does.
  const feed: IntegrationParts['feed'] =
    app?.appId !== undefined ? 'webhooks' : journalWork ? 'journal' : undefined
  const { events } = config
  const product = events && { endpointId: productEndpoint, failing: false, ...events }
  const posters = {
    tenants: createPoster({ clock, allowPrivate: config.endpointsPrivate, egress }),
    product: createPoster({ clock, allowPrivate: true, egress }),
  }
  house.ground.push(
    () => posters.tenants.close(),
    () => posters.product.close(),
  )
  // Who sends says whether there is one to send to.
  if (!standIns && config.role !== 'api')
    await withSystem(db, (scope) => setProductEndpoint(scope, product ? product.types : 'none'))
  const worker =
    config.role === 'api'
      ? await sendOnly(queues)
      : await startWorker({
          ...shared,
          tokens,
          queues,
          claimant,
          sync: config.sync,
          periods,
          kinds: [tickets],
          kind: tickets,
          concurrency: config.syncConcurrency,
          windowMs: config.webhookWindowMs,
          product,
          posters,
          // Of its own: what a receiver does not take is not taken from the tenant's answers.
          bytes: createByteBudget(byteLimits(getHeapStatistics().heap_size_limit / 2), clock, () => {}),
          journalWork,
          ...(feed === undefined ? {} : { onFound: createNoticeSilence(log) }),
          quietMs: erasureQuietMs,
          keep: config.keep,
        })
  house.running.push(() => worker.stop(stopWithinMs))

  // A wake-up that fails is only late: the sweep finds the row.
  const wakeStream = (tenantId: TenantId, key: StreamKey, occasion: string) => {
    queues
      .wake({ tenantId, ...key }, occasion)
      .catch((err: unknown) => log.warn({ err }, 'a worker could not be woken'))
  }
  const testConnection = createConnectionTest({ hubspot, tokens, tickets: ticketKind })
  const progress = createProgress(db, clock, log)
  const news = createNews(db, clock, log)
  const { adminKey, jwt, publicUrl } = config
  const open = adminKey === undefined
  const sessions = createSessions({
    db,
    ring: config.keyRing,
    log,
    adminKey,
    publicUrl,
    provider: jwt && providerOf(jwt),
  })
  const api = {
    integrations: {
      ...shared,
      tokens,
      testConnection,
      tickets: ticketKind,
      authorizeBase: authorizeUrl,
      feed,
      patience,
      onConnected: async (scope: TenantScope, { integration }: Connected) => {
        await beginSync(scope, integration.integrationId, ticketKind.name, periods)
      },
      onDisconnected: async (scope: TenantScope, integrationId: string) => {
        await cancelRuns(scope, integrationId)
        await forgetLane(scope, integrationId)
      },
      purge: (whose: Whose) => purge(db, whose),
      wake: (tenantId: TenantId, integrationId: string) => {
        for (const mode of ['full', 'incremental'] as const)
          wakeStream(tenantId, { integrationId, kind: ticketKind.name, mode }, newId())
      },
    },
    issues: { db, hubspot, tokens, clock, totalMs: timeoutMs },
    changes: { db, news, log },
    outbox: { db, ring: config.keyRing, allowPrivate: config.endpointsPrivate },
    sync: { db, testConnection, progress, kind: ticketKind.name, patience, wakeStream },
    sessions,
    standing: createStanding(db, clock, log),
    webhooks: {
      db,
      app: app?.appId === undefined ? undefined : { appId: app.appId, clientSecrets: app.clientSecrets },
      publicUrl,
      windowMs: config.webhookWindowMs,
      clock,
      metrics,
    },
  }
  const health = { db, metrics, draining: () => draining }
  const limiter = createLimiter({
    take: (asks) => withSystemOnce(db, (scope) => takeTurns(scope, asks), { fleeting: true }),
    forget: (most) => withSystem(db, (scope) => forgetMinutes(scope, most)),
    clock,
    log,
  })
  house.ground.push(() => limiter.settle())
  const server = await createServer({
    open,
    authenticate:
      standIns?.authenticate ?? authenticateBy(config, { ...shared, clock, egress }, sessions, house),
    // In open mode everybody is this machine; a rehearsal asks for itself alone.
    ...(open || standIns ? {} : { limits: { rates: config.rates, limiter } }),
    load: config.load,
    bytes,
    trustedProxies: config.trustedProxies,
    clock,
    publicUrl,
    log,
    requestMs: timeoutMs,
    health,
    audit: { db, ring: config.keyRing },
    ...(config.role === 'worker' ? {} : { api, tenants: { db, ring: config.keyRing, open, clock } }),
  })
  house.running.push(async () => {
    draining = true
    progress.stop()
    await server.close()
    news.stop()
  })
  return { server, instance: claimant.instance }
}

async function listen(server: FastifyInstance, { host, port: wanted }: Config): Promise<string> {
  await server.listen({ host, port: wanted }).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'EADDRINUSE') throw error
    throw new StartError(`port ${wanted} on ${host} is taken; stop what listens there or set PORT`)
  })
  const { port } = server.server.address() as AddressInfo
  return `http://${host.includes(':') ? `[${host}]` : host}:${port}`
}

async function sendOnly(queues: Queues): Promise<Worker> {
  await queues.start()
  return { stop: (timeoutMs) => queues.stop(timeoutMs) }
}

const loginOf = (url: string) => decodeURIComponent(new URL(url).username)
