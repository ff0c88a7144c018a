/**
 * HTTP routes of runs: start, history, one run, and its progress as server-sent events. Over 200
 * lines because the four are read side by side.
 */
import type { FastifyInstance, FastifyRequest } from 'fastify'
import type { ZodTypeProvider } from 'fastify-type-provider-zod'
import { z } from 'zod'
import { decodeIdCursor, toCursorPage } from '../api/cursor.ts'
import { openEventStream } from '../api/event-stream.ts'
import { readIdempotencyKey } from '../api/idempotency.ts'
import { findStoredResponse } from '../api/idempotency-store.ts'
import { runIdempotent } from '../api/run-idempotent.ts'
import { tenantRoute } from '../api/tenant-route.ts'
import { after, integrationPath, isoTimes, limit, noQuery } from '../api/wire.ts'
import type { Database } from '../db/database.ts'
import { type TenantScope, withTenant } from '../db/scope.ts'
import { parseTenantId } from '../db/tenant-id.ts'
import { asAppError, callErrors } from '../hubspot/as-app-error.ts'
import type { RetryLimits } from '../hubspot/client/client.ts'
import type { TestConnection } from '../integrations/connection-test.ts'
import { requireIntegration, requireLockedIntegration } from '../integrations/require-integration.ts'
import { AppError } from '../lib/errors.ts'
import { findSyncEvent, listSyncEvents, type SyncEvent } from './event-store.ts'
import type { ProgressWatch } from './progress.ts'
import { syncBody, syncEvent, syncEventPath, syncHistory, syncStarted } from './schema.ts'
import { type RequestedRun, requestRun } from './store.ts'
import { isFinished } from './stream.ts'

export interface SyncRouteDependencies {
  db: Database
  testConnection: TestConnection
  progress: ProgressWatch
  /** The kind that `sync` syncs. */
  kind: string
  retryLimits: RetryLimits
  /** Called after a run is committed: this process need not wait for its next poll. */
  wake(): void
  signalOf(request: FastifyRequest): AbortSignal
  /** Like `signalOf`, but without a deadline: for a stream that stays open. */
  watchOf(request: FastifyRequest): AbortSignal
}

type SyncStarted = z.infer<typeof syncStarted>

/** Describes what happened. The specification gives the text for a started run. */
function messageOf({ event, already, resumed }: RequestedRun): string {
  const what = `HubSpot ${event.sync_type} sync`
  if (resumed) return `${what} was waiting and has been resumed`
  if (already) return `${what} is already ${event.state === 'queued' ? 'queued' : 'running'}`
  return `${what} started in background`
}

const presentStarted = (requested: RequestedRun): SyncStarted => ({
  message: messageOf(requested),
  sync_event_id: requested.event.sync_event_id,
  sync_type: requested.event.sync_type,
  already_running: requested.already,
  resumed: requested.resumed,
})

function presentSyncEvent({ version: _, running_ms, ...event }: SyncEvent): z.infer<typeof syncEvent> {
  const seconds = running_ms / 1_000
  return {
    ...isoTimes(event),
    rate_per_second: seconds > 0 && event.done > 0 ? Math.round((event.done / seconds) * 10) / 10 : null,
  }
}

const historyQuery = z.strictObject({ limit: limit(200, 50), after })
const tags = ['sync'] as const

async function findExisting(scope: TenantScope, params: z.infer<typeof syncEventPath>): Promise<SyncEvent> {
  await requireIntegration(scope, params)
  const event = await findSyncEvent(scope, params.integration_id, params.sync_event_id)
  if (!event) throw new AppError('sync_event_not_found', 'Sync event not found')
  return event
}

export function syncRoutes(instance: FastifyInstance, deps: SyncRouteDependencies): void {
  const app = instance.withTypeProvider<ZodTypeProvider>()

  tenantRoute(
    app,
    deps.db,
    {
      method: 'POST',
      path: '/api/hubspot/sync/:tenant_id/:integration_id',
      operationId: 'sync.start',
      tags,
      summary: 'Start a sync',
      description:
        'Tests the connection, then runs in the background; follow it at `Location`. While a run of this type is queued, running or waiting, the response names that run, and a waiting one resumes at once. A full and an incremental run can run side by side.',
      errors: ['integration_not_connected', ...callErrors],
      config: { access: 'sync', audited: 'sync.start', responseHeaders: ['Location'] },
      params: integrationPath,
      body: syncBody,
      defaultBody: { sync_type: 'full' },
      response: { 202: syncStarted },
      idempotent: true,
    },
    async ({ tenantId, params: { integration_id: integrationId }, body, request, reply, transaction }) => {
      const key = { integrationId, kind: deps.kind, syncType: body.sync_type }
      const asked = readIdempotencyKey(request)
      const start = async (): Promise<SyncStarted> => {
        const options = { retryLimits: deps.retryLimits, signal: deps.signalOf(request) }
        // Test the connection first, so that an invalid token is reported here and not in a run
        // that nobody watches.
        await deps.testConnection({ tenantId, integrationId }, options).catch((error: unknown) => {
          throw asAppError(error)
        })
        const started = await transaction(async (scope) => {
          await requireLockedIntegration(scope, { integration_id: integrationId })
          const { body } = await runIdempotent(scope, asked, async () => {
            return { status: 202, body: presentStarted(await requestRun(scope, key, 'api')) }
          })
          return body
        })
        deps.wake()
        return started
      }
      const stored = asked && (await transaction((scope) => findStoredResponse<SyncStarted>(scope, asked)))
      const started = stored?.body ?? (await start())
      reply.header('location', `/api/hubspot/sync/${tenantId}/${integrationId}/${started.sync_event_id}`)
      return started
    },
  )

  tenantRoute(
    app,
    deps.db,
    {
      method: 'GET',
      path: '/api/hubspot/sync/:tenant_id/:integration_id',
      operationId: 'sync.list',
      tags,
      summary: 'List the runs of an integration',
      description: 'Newest first. `running` repeats the runs of this page that have not ended.',
      errors: ['invalid_cursor'],
      config: { access: 'read' },
      params: integrationPath,
      query: historyQuery,
      response: { 200: syncHistory },
      requires: requireIntegration,
    },
    async ({ params: { integration_id: id }, query: { limit, after }, transaction }) => {
      const before = after === undefined ? undefined : decodeIdCursor(id, after)
      const rows = await transaction((scope) => listSyncEvents(scope, id, { before, limit: limit + 1 }))
      const { shown, next_after } = toCursorPage(rows, limit, id, (last) => last.sync_event_id)
      const events = shown.map(presentSyncEvent)
      return { running: events.filter(({ state }) => !isFinished(state)), events, next_after }
    },
  )

  tenantRoute(
    app,
    deps.db,
    {
      method: 'GET',
      path: '/api/hubspot/sync/:tenant_id/:integration_id/:sync_event_id',
      operationId: 'sync.get',
      tags,
      summary: 'Read a run',
      description: 'The run with its progress so far. `state` is final once `finished_at` is not null.',
      errors: ['sync_event_not_found'],
      config: { access: 'read' },
      params: syncEventPath,
      response: { 200: syncEvent },
    },
    async ({ params, transaction }) =>
      presentSyncEvent(await transaction((scope) => findExisting(scope, params))),
  )

  // Server-sent events: `progress` for each change of the run, with the row's version as id. The
  // stream ends with the run.
  app.get(
    '/api/hubspot/sync/:tenant_id/:integration_id/:sync_event_id/events',
    {
      config: {
        access: 'read',
        stream: true,
        requestHeaders: ['Last-Event-ID'],
        errors: ['sync_event_not_found'],
        sends: ['text/event-stream', 'An event for each change of the run'],
      },
      // A HEAD request would wait for the end of the stream without receiving any of it.
      exposeHeadRoute: false,
      schema: {
        tags,
        operationId: 'sync.events',
        summary: 'Follow a run',
        description:
          'Server-sent events until the run ends: `progress` for each observed change, at most two a second. `data` is the run as `sync.get` returns it, `id` a number that grows. A comment every 15 seconds keeps the connection open.',
        params: syncEventPath,
        querystring: noQuery,
      },
    },
    async (request, reply) => {
      const tenantId = parseTenantId(request.params.tenant_id)
      const event = await withTenant(deps.db, tenantId, (scope) => findExisting(scope, request.params))
      const seen = /^\d{1,9}$/.exec(String(request.headers['last-event-id'] ?? ''))?.[0]
      const until = deps.watchOf(request)
      reply.hijack()
      const stream = openEventStream(reply.raw, request.id, until)
      const notify = (message: SyncEvent | undefined) => {
        if (message)
          stream.send(
            `id: ${message.version}\nevent: progress\ndata: ${JSON.stringify(presentSyncEvent(message))}\n\n`,
          )
        if (!message || isFinished(message.state)) stream.end()
      }
      void stream.ended.then(deps.progress.watch(tenantId, event.sync_event_id, Number(seen ?? 0), notify))
      // A client that reconnects after the end has nothing more to wait for.
      if (isFinished(event.state) && event.version <= Number(seen ?? 0)) stream.end()
    },
  )
}
