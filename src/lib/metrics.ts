/** All metrics of the service; only this file uses prom-client. No label contains a tenant. */
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client'

export type Metrics = ReturnType<typeof createMetrics>

const seconds = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30]

export function createMetrics() {
  const registry = new Registry()
  const registers = [registry]
  collectDefaultMetrics({ register: registry })
  return {
    httpDuration: new Histogram({
      name: 'spoke_http_request_duration_seconds',
      help: 'Duration of requests to our API',
      labelNames: ['method', 'route', 'status'],
      buckets: seconds,
      registers,
    }),
    httpLimited: new Counter({
      name: 'spoke_http_limited_total',
      help: 'Requests refused with 429, by limit (address, key, tenant, failed, requests, streams, bytes)',
      labelNames: ['limit'],
      registers,
    }),
    httpShed: new Counter({
      name: 'spoke_http_shed_total',
      help: 'Requests refused because of load, by reason (requests, delay, streams, unauthenticated, unfinished, sockets, bytes, large, unread)',
      labelNames: ['reason'],
      registers,
    }),
    webhookDeliveries: new Counter({
      name: 'spoke_webhook_deliveries_total',
      help: 'Webhook deliveries from HubSpot, by outcome (stored, replayed, invalid, or why the signature was refused)',
      labelNames: ['outcome'],
      registers,
    }),
    webhookEvents: new Counter({
      name: 'spoke_webhook_events_total',
      help: 'Webhook events from HubSpot, by outcome (queued, unknown_account, other_kind, other_app, malformed)',
      labelNames: ['outcome'],
      registers,
    }),
    journalFiles: new Counter({
      name: 'spoke_journal_files_total',
      help: 'Files of the webhooks journal, by outcome (stored, replayed, skipped; missed: none was read for so long that some are gone; restarted: HubSpot did not know our position)',
      labelNames: ['outcome'],
      registers,
    }),
    journalEvents: new Counter({
      name: 'spoke_journal_events_total',
      help: 'Events of the webhooks journal, by outcome (queued, unknown_account, uninstalled, other_kind, malformed)',
      labelNames: ['outcome'],
      registers,
    }),
    journalFailures: new Gauge({
      name: 'spoke_journal_failures',
      help: 'Consecutive failed attempts to read the webhooks journal, in any process',
      registers,
    }),
    inboxDrained: new Counter({
      name: 'spoke_inbox_drained_total',
      help: 'Inbox changes whose tickets were read again',
      registers,
    }),
    inboxDeadLettered: new Counter({
      name: 'spoke_inbox_dead_lettered_total',
      help: 'Inbox changes that could not be drained',
      registers,
    }),
    outboxSent: new Counter({
      name: 'spoke_outbox_sent_total',
      help: 'Attempts to send a webhook, by outcome (delivered, refused, gone, failed)',
      labelNames: ['outcome'],
      registers,
    }),
    outboxDuration: new Histogram({
      name: 'spoke_outbox_seconds',
      help: 'Duration of an attempt to send a webhook',
      buckets: [0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 15],
      registers,
    }),
    inboxesMissingWebhooks: new Gauge({
      name: 'spoke_inboxes_missing_webhooks',
      help: 'Integrations for which a sync found new tickets that neither webhooks nor the journal reported',
      registers,
    }),
    inboxLag: new Histogram({
      name: 'spoke_inbox_lag_seconds',
      help: 'Time from receiving a change to storing its ticket',
      buckets: [0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 3_600],
      registers,
    }),
    hubspotRequests: new Counter({
      name: 'spoke_hubspot_requests_total',
      help: 'Calls to HubSpot, by endpoint and outcome (ok or the kind of error)',
      labelNames: ['endpoint', 'outcome'],
      registers,
    }),
    hubspotDuration: new Histogram({
      name: 'spoke_hubspot_request_duration_seconds',
      help: 'Duration of calls to HubSpot, including the body',
      labelNames: ['endpoint'],
      buckets: seconds,
      registers,
    }),
    hubspotRateLimited: new Counter({
      name: 'spoke_hubspot_rate_limited_total',
      help: '429 responses from HubSpot, by policy',
      labelNames: ['policy'],
      registers,
    }),
    hubspotWait: new Histogram({
      name: 'spoke_hubspot_budget_wait_seconds',
      help: 'Time spent waiting for a slot in the rate budget of an account',
      labelNames: ['bucket'],
      buckets: seconds,
      registers,
    }),
    hubspotSlots: new Counter({
      name: 'spoke_hubspot_budget_slots_total',
      help: 'Slots of the rate budgets, by result (used, lost)',
      labelNames: ['bucket', 'result'],
      registers,
    }),
    circuitsOpen: new Gauge({
      name: 'spoke_hubspot_circuits_open',
      help: 'Circuits open now in this process (hubspot: all of HubSpot, account: one account, endpoint: token and account calls)',
      labelNames: ['scope'],
      registers,
    }),
    tokenRefreshes: new Counter({
      name: 'spoke_token_refresh_total',
      help: 'Token refreshes, by result (refreshed, refused, misconfigured, unavailable)',
      labelNames: ['result'],
      registers,
    }),
    tokenChecks: new Counter({
      name: 'spoke_token_checks_total',
      help: 'Token introspections, by result (active, refused, unavailable)',
      labelNames: ['result'],
      registers,
    }),
    syncRuns: new Counter({
      name: 'spoke_sync_runs_total',
      help: 'Finished runs, by sync type and state',
      labelNames: ['sync_type', 'state'],
      registers,
    }),
    syncPages: new Counter({
      name: 'spoke_sync_pages_total',
      help: 'Pages stored, by sync type',
      labelNames: ['sync_type'],
      registers,
    }),
    syncRecords: new Counter({
      name: 'spoke_sync_records_total',
      help: 'Records in stored pages, by outcome of the upsert',
      labelNames: ['outcome'],
      registers,
    }),
    syncFenced: new Counter({
      name: 'spoke_sync_fenced_total',
      help: 'Writes refused because a newer claim owns the stream',
      registers,
    }),
    streamsDue: new Gauge({
      name: 'spoke_sync_streams_due',
      help: 'Streams that are due but not running, in all processes; at most 10,000 are counted',
      registers,
    }),
    auditFailures: new Counter({
      name: 'spoke_audit_failures_total',
      help: 'Events that could not be written to the audit log, by phase (requested: the request was refused; done: it had its effect)',
      labelNames: ['phase'],
      registers,
    }),
    tenantsErasing: new Gauge({
      name: 'spoke_tenants_erasing',
      help: 'Tenants being erased, as last seen by this process (100 at most)',
      registers,
    }),
    contentType: registry.contentType,
    /** The body of a `/metrics` response. */
    print: () => registry.metrics(),
  }
}
