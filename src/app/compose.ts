/**
 * Builds the components of a process from its configuration and connects them. Over 200 lines
 * because each component is created once and passed by name to those that use it.
 */
import { randomUUID } from 'node:crypto'
import { getHeapStatistics } from 'node:v8'
import type { FastifyInstance } from 'fastify'
import { byteLimits, createByteBudget } from '../api/byte-budget.ts'
import { type Authenticate, authenticateInOpenMode, createAuthenticate } from '../auth/authenticate.ts'
import { createJwtAuthenticator, jwtProviderId } from '../auth/jwt.ts'
import { createProviderKeys } from '../auth/provider-keys.ts'
import { createRevocationWatch } from '../auth/revocation-watch.ts'
import { createSessions, type Sessions } from '../auth/sessions.ts'
import { createApiKeyAuthenticator, createApiKeyVerifier } from '../auth/verify-api-key.ts'
import { createChangeNotifier } from '../changes/change-notifier.ts'
import type { Config } from '../config.ts'
import type { Database } from '../db/database.ts'
import { type TenantScope, withSystem } from '../db/scope.ts'
import { createServer } from '../http/server.ts'
import { createAppPause } from '../hubspot/budget/app-pause.ts'
import { type BudgetTransaction, createBudget } from '../hubspot/budget/budget.ts'
import { createHubSpot, type HubSpot } from '../hubspot/client/client.ts'
import { createJournal } from '../hubspot/journal-api.ts'
import { deleteInbox } from '../inbox/claim-store.ts'
import { createMissingWebhooksDetector } from '../inbox/missing-webhooks.ts'
import type { Connected } from '../integrations/connect.ts'
import { createConnectionTest } from '../integrations/connection-test.ts'
import type { IntegrationRef } from '../integrations/integration.ts'
import type { IntegrationRouteDependencies } from '../integrations/routes.ts'
import { createTokens } from '../integrations/tokens/tokens.ts'
import { createTicketKind, ticketKind } from '../issues/ticket-kind.ts'
import type { Clock } from '../lib/clock.ts'
import type { Log } from '../lib/log.ts'
import { createMetrics } from '../lib/metrics.ts'
import { createEgress, type Egress } from '../lib/proxy.ts'
import { productEndpoint } from '../outbox/endpoint.ts'
import { setProductEndpoint } from '../outbox/endpoint-store.ts'
import { createWebhookPoster } from '../outbox/webhook-poster.ts'
import { createProgressWatch } from '../sync/progress.ts'
import { purgeIntegration } from '../sync/purge.ts'
import { requestSyncOnConnect } from '../sync/requests.ts'
import { cancelRuns } from '../sync/run-end-store.ts'
import { createBell } from '../worker/loop.ts'
import type { PollPeriods } from '../worker/poll-periods.ts'
import { startWorker } from '../worker/worker.ts'
import type { Shutdown } from './shutdown.ts'

/**
 * Replaces the outside world in a rehearsal: HubSpot is not called, and callers authenticate by name.
 */
export interface RehearsalFakes {
  hubspot: HubSpot
  authenticate: Authenticate
}

export async function compose(
  config: Config,
  db: Database,
  log: Log,
  clock: Clock,
  shutdown: Shutdown,
  polls: PollPeriods,
  fakes?: RehearsalFakes,
): Promise<{ server: FastifyInstance; instance: string }> {
  const metrics = createMetrics()
  const bytes = createByteBudget(byteLimits(), clock, (why) => {
    if (why === 'tenant') metrics.httpLimited.inc({ limit: 'bytes' })
    else metrics.httpShed.inc({ reason: why === 'all' ? 'bytes' : why })
  })
  const budgetRows: BudgetTransaction = (work) =>
    withSystem(db, ({ query }) => work(query), { asyncCommit: true })
  const budget = createBudget(budgetRows, clock, metrics)
  const { app, apiUrl, authorizeUrl, timeoutMs } = config.hubspot
  const egress = createEgress(config.proxies, clock, log)
  const appPause = createAppPause(budgetRows)
  const hubspot =
    fakes?.hubspot ?? createHubSpot({ apiUrl, timeoutMs, budget, appPause, clock, metrics, log, egress })
  shutdown.resources.push(
    async () => await egress?.close(),
    () => hubspot.close(),
  )
  const shared = { db, ring: config.keyRing, hubspot, app, clock, metrics, log }
  const tokens = createTokens({ ...shared, tickets: ticketKind, checkEveryMs: config.tokenCheckEveryMs })
  shutdown.resources.push(() => tokens.settle())
  const bell = createBell(clock)
  const claimant = {
    instance: randomUUID(),
    exclusive: db.kind === 'embedded',
    leaseMs: config.leaseMs,
  }
  const periods = { full: config.fullEveryMs, incremental: config.syncEveryMs }
  let draining = false
  const tickets = createTicketKind({ db, hubspot, tokens })

  const retryLimits = { maxAttempts: 2, totalMs: timeoutMs }
  const journalWork =
    app && config.journal
      ? {
          ...shared,
          tokens,
          claimant,
          kind: tickets,
          clientId: app.clientId,
          journal: createJournal({ hubspot, app, retryLimits, clock }),
          retryLimits,
          windowMs: config.webhookWindowMs,
        }
      : undefined
  // The source of change notifications for accounts of our own app; other accounts have none.
  const changeSource: IntegrationRouteDependencies['changeSource'] =
    app?.appId !== undefined ? 'webhooks' : journalWork ? 'journal' : undefined
  const { events } = config
  const product = events && { endpointId: productEndpoint, failing: false, ...events }
  const posters = {
    tenants: createWebhookPoster({ clock, allowPrivate: config.endpointsPrivate, egress }),
    product: createWebhookPoster({ clock, allowPrivate: true, egress }),
  }
  shutdown.resources.push(
    () => posters.tenants.close(),
    () => posters.product.close(),
  )
  // The process that sends records whether the product endpoint exists.
  if (!fakes && config.role !== 'api')
    await withSystem(db, (scope) => setProductEndpoint(scope, product ? product.types : 'none'))
  if (config.role !== 'api') {
    const worker = startWorker({
      ...shared,
      tokens,
      bell,
      claimant,
      sync: config.sync,
      periods,
      kinds: [tickets],
      kind: tickets,
      concurrency: config.syncConcurrency,
      windowMs: config.webhookWindowMs,
      product,
      posters,
      // A budget of its own, so that a slow receiver does not use up the memory for API responses.
      bytes: createByteBudget(byteLimits(getHeapStatistics().heap_size_limit / 2), clock, () => {}),
      journalWork,
      ...(changeSource === undefined ? {} : { onFound: createMissingWebhooksDetector(log) }),
      polls,
      retention: config.retention,
    })
    shutdown.running.push(() => worker.stop())
  }
  const testConnection = createConnectionTest({ hubspot, tokens, tickets: ticketKind })
  const progress = createProgressWatch(db, clock, log)
  const notifier = createChangeNotifier(db, clock, log)
  const { adminKey, jwt, publicUrl } = config
  const open = adminKey === undefined
  const sessions = createSessions({
    db,
    ring: config.keyRing,
    log,
    adminKey,
    publicUrl,
    provider: jwt && jwtProviderId(jwt),
  })
  const api = {
    integrations: {
      ...shared,
      tokens,
      testConnection,
      tickets: ticketKind,
      authorizeBase: authorizeUrl,
      changeSource,
      retryLimits,
      onConnected: async (scope: TenantScope, { integration }: Connected) => {
        await requestSyncOnConnect(scope, integration.integration_id, ticketKind.name, periods)
      },
      onDisconnected: async (scope: TenantScope, integrationId: string) => {
        await cancelRuns(scope, integrationId)
        await deleteInbox(scope, integrationId)
      },
      purge: (ref: IntegrationRef) => purgeIntegration(db, ref),
      wake: bell.ring,
    },
    issues: { db, hubspot, tokens, clock, totalMs: timeoutMs },
    changes: { db, notifier, log },
    outbox: { db, ring: config.keyRing, allowPrivate: config.endpointsPrivate },
    sync: { db, testConnection, progress, kind: ticketKind.name, retryLimits, wake: bell.ring },
    sessions,
    revocationWatch: createRevocationWatch(db, clock, log),
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
  const server = await createServer({
    open,
    authenticate:
      fakes?.authenticate ?? authenticateBy(config, { ...shared, clock, egress }, sessions, shutdown),
    // In open mode every caller is this machine, and a rehearsal is its only caller.
    ...(open || fakes ? {} : { rates: config.rates }),
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
  shutdown.running.push(async () => {
    draining = true
    progress.stop()
    await server.close()
    notifier.stop()
  })
  return { server, instance: claimant.instance }
}

function authenticateBy(
  { adminKey, metricsKey, jwt }: Config,
  deps: Parameters<typeof createApiKeyVerifier>[0] & { egress: Egress | undefined },
  sessions: Sessions,
  { resources }: Shutdown,
): Authenticate {
  if (!adminKey) return authenticateInOpenMode
  const { clock, log, egress } = deps
  const keys = jwt && createProviderKeys(jwt.jwksUrl, clock, log, egress)
  if (keys) resources.push(() => keys.close())
  const authenticators = [
    createApiKeyAuthenticator(createApiKeyVerifier(deps)),
    ...(jwt && keys ? [createJwtAuthenticator(jwt, { ...deps, keys: keys.find })] : []),
  ]
  return createAuthenticate({ admin: adminKey, metrics: metricsKey }, authenticators, sessions.find)
}
