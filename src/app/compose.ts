/** Builds what features share, lists the features, and starts the server and the worker with them. */
import { randomUUID } from 'node:crypto'
import type { FastifyInstance } from 'fastify'
import { byteLimits, createByteBudget } from '../api/byte-budget.ts'
import type { Feature } from '../api/feature.ts'
import { auditFeature } from '../audit/feature.ts'
import type { Authenticate } from '../auth/authenticate.ts'
import { authFeature } from '../auth/feature.ts'
import { createRevocationWatch } from '../auth/revocation-watch.ts'
import { changesFeature } from '../changes/feature.ts'
import type { Config } from '../config.ts'
import type { Database } from '../db/database.ts'
import { withSystem } from '../db/scope.ts'
import { createRequestSignals } from '../http/request-signals.ts'
import { createServer } from '../http/server.ts'
import { createAppPause } from '../hubspot/budget/app-pause.ts'
import { type BudgetTransaction, createBudget } from '../hubspot/budget/budget.ts'
import { createHubSpot, type HubSpot } from '../hubspot/client/client.ts'
import { inboxFeature } from '../inbox/feature.ts'
import { createMissingWebhooksDetector } from '../inbox/missing-webhooks.ts'
import { createConnectionTest } from '../integrations/connection-test.ts'
import { integrationsFeature } from '../integrations/feature.ts'
import { createTokens } from '../integrations/tokens/tokens.ts'
import { issuesFeature } from '../issues/feature.ts'
import { createTicketKind, ticketKind } from '../issues/ticket-kind.ts'
import { readIssueVersions } from '../issues/version-store.ts'
import { journalFeature } from '../journal/feature.ts'
import type { Clock } from '../lib/clock.ts'
import type { Log } from '../lib/log.ts'
import { createMetrics } from '../lib/metrics.ts'
import { createEgress } from '../lib/proxy.ts'
import { outboxFeature } from '../outbox/feature.ts'
import { sqlAccessFeature } from '../sql-access/feature.ts'
import { syncFeature } from '../sync/feature.ts'
import { purgeIntegration } from '../sync/purge.ts'
import { tenantsFeature } from '../tenants/feature.ts'
import { createHubSpotReturnHandler } from '../worker/hubspot-return.ts'
import { createBell } from '../worker/loop.ts'
import type { PollPeriods } from '../worker/poll-periods.ts'
import { startWorker } from '../worker/worker.ts'
import type { Shutdown } from './shutdown.ts'

/** Replaces the outside world in a rehearsal: HubSpot is not called, callers authenticate by name. */
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
  const { adminKey, keyRing: ring, publicUrl, retention, events, webhookWindowMs: windowMs } = config
  const { app, apiUrl, authorizeUrl: authorizeBase, timeoutMs } = config.hubspot
  const metrics = createMetrics()
  const bytes = createByteBudget(byteLimits(), clock, (why) => {
    if (why === 'tenant') metrics.httpLimited.inc({ limit: 'bytes' })
    else metrics.httpShed.inc({ reason: why === 'all' ? 'bytes' : why })
  })
  const budgetRows: BudgetTransaction = (work) =>
    withSystem(db, ({ query }) => work(query), { asyncCommit: true })
  const budget = createBudget(budgetRows, clock, metrics)
  const egress = createEgress(config.proxies, clock, log)
  const appPause = createAppPause(budgetRows)
  const hubspot =
    fakes?.hubspot ?? createHubSpot({ apiUrl, timeoutMs, budget, appPause, clock, metrics, log, egress })
  const base = { db, ring, hubspot, app, clock, metrics, log, tickets: ticketKind }
  const tokens = createTokens({ ...base, checkEveryMs: config.tokenCheckEveryMs })
  shutdown.resources.push(
    async () => await egress?.close(),
    () => hubspot.close(),
    () => tokens.settle(),
  )
  const instance = randomUUID()
  const bell = createBell(clock)
  const features: Feature[] = []
  const hooks = () => features.flatMap((feature) => feature.hooks ?? [])
  const repeating = { db, clock, metrics, log, wake: bell.ring, hooks, polls }
  const kind = createTicketKind({ db, hubspot, tokens })
  const open = adminKey === undefined
  /** Each feature takes by name what it uses. */
  const shared = {
    ...base,
    ...repeating,
    ...createRequestSignals(timeoutMs, createRevocationWatch(db, clock, log)),
    tokens,
    testConnection: createConnectionTest({ ...base, tokens }),
    onHubSpotReturn: createHubSpotReturnHandler(repeating),
    claimant: { instance, exclusive: db.kind === 'embedded', leaseMs: config.leaseMs },
    kind,
    retryLimits: { maxAttempts: 2, totalMs: timeoutMs },
    bytes,
    egress,
    open,
    publicUrl,
    retention,
    windowMs,
  }
  const journalApp = config.journal ? app : undefined
  // The source of change notifications for accounts of our own app; other accounts have none.
  const changeSource = app?.appId !== undefined ? 'webhooks' : journalApp ? 'journal' : undefined
  const auth = authFeature({ ...shared, adminKey, metricsKey: config.metricsKey, jwt: config.jwt })
  features.push(
    tenantsFeature(shared),
    auth,
    auditFeature(shared),
    integrationsFeature({
      ...shared,
      authorizeBase,
      changeSource,
      purge: (ref) => purgeIntegration(db, ref),
    }),
    issuesFeature({ ...shared, totalMs: timeoutMs }),
    changesFeature({ ...shared, readIssues: readIssueVersions }),
    outboxFeature({
      ...shared,
      readIssues: readIssueVersions,
      allowPrivate: config.endpointsPrivate,
      events,
    }),
    syncFeature({
      ...shared,
      kinds: [kind],
      sync: config.sync,
      periods: { full: config.fullEveryMs, incremental: config.syncEveryMs },
      concurrency: config.syncConcurrency,
      ...(changeSource === undefined ? {} : { onFound: createMissingWebhooksDetector(log) }),
    }),
    inboxFeature(shared),
    journalFeature({ ...shared, journalApp }),
    sqlAccessFeature(shared),
  )
  shutdown.resources.push(...features.flatMap(({ close }) => close ?? []))
  if (config.role !== 'api') {
    for (const { start } of features) await start?.()
    const worker = startWorker({ ...repeating, bell, features })
    shutdown.running.push(() => worker.stop())
  }
  const server = await createServer({
    ...shared,
    authenticate: fakes?.authenticate ?? auth.authenticate,
    // In open mode every caller is this machine, and a rehearsal is its only caller.
    ...(open || fakes ? {} : { rates: config.rates }),
    load: config.load,
    trustedProxies: config.trustedProxies,
    health: { db, metrics },
    audit: { db, ring },
    features: config.role === 'worker' ? [] : features,
  })
  shutdown.running.push(() => server.close())
  return { server, instance }
}
