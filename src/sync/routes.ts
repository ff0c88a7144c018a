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
import { after, integrationPath, limit, problems, uuidText } from '../api/wire.ts'
import type { Database } from '../db/database.ts'
import { withTenant } from '../db/scope.ts'
import { parseTenantId, type TenantId } from '../db/tenant-id.ts'
import { asAppError } from '../hubspot/as-app-error.ts'
import type { RetryLimits } from '../hubspot/client/client.ts'
import type { TestConnection } from '../integrations/connection-test.ts'
import { findIntegration, lockIntegration } from '../integrations/store.ts'
import { AppError, integrationNotFound } from '../lib/errors.ts'
import { newId } from '../lib/ids.ts'
import { presentSyncEvent } from './present-event.ts'
import type { ProgressWatch } from './progress.ts'
import { syncBody, syncEventResponse, syncHistory, syncStarted } from './schema.ts'
import {
  findSyncEvent,
  listSyncEvents,
  type RequestedRun,
  requestRun,
  type StreamKey,
  type SyncEvent,
} from './store.ts'
import { isFinished } from './stream.ts'

export interface SyncRouteDependencies {
  db: Database
  testConnection: TestConnection
  progress: ProgressWatch
  /** The kind that `sync` syncs. */
  kind: string
  retryLimits: RetryLimits
  /**
   * Called after a run is committed, because there is work. The same run need not be reported
   * twice.
   */
  wakeStream(tenantId: TenantId, key: StreamKey, occasion: string): void
  signalOf(request: FastifyRequest): AbortSignal
  /** Like `signalOf`, but without a deadline: for a stream that stays open. */
  watchOf(request: FastifyRequest): AbortSignal
}

const eventPath = integrationPath.extend({ sync_event_id: uuidText })
type SyncStarted = z.infer<typeof syncStarted>

/** Describes what happened. The specification gives the text for a started run. */
function messageOf({ event, already, resumed }: RequestedRun): string {
  const what = `HubSpot ${event.syncType} sync`
  if (resumed) return `${what} was waiting and has been resumed`
  if (already) return `${what} is already ${event.state === 'queued' ? 'queued' : 'running'}`
  return `${what} started in background`
}

const presentStarted = (tenantId: string, requested: RequestedRun): SyncStarted => ({
  success: true,
  message: messageOf(requested),
  tenant_id: tenantId,
  integration_id: requested.event.integrationId,
  sync_event_id: requested.event.syncEventId,
  sync_type: requested.event.syncType,
  already_running: requested.already,
  resumed: requested.resumed,
})

const historyQuery = z.strictObject({ limit: limit(200, 50), after })
const tags = ['sync']

export function syncRoutes(instance: FastifyInstance, deps: SyncRouteDependencies): void {
  const app = instance.withTypeProvider<ZodTypeProvider>()

  async function existing(
    tenantId: TenantId,
    integrationId: string,
    syncEventId: string,
  ): Promise<SyncEvent> {
    return await withTenant(deps.db, tenantId, async (scope) => {
      if (!(await findIntegration(scope, integrationId))) throw integrationNotFound()
      const event = await findSyncEvent(scope, integrationId, syncEventId)
      if (!event) throw new AppError('sync_event_not_found', 'Sync event not found')
      return event
    })
  }

  app.post(
    '/api/hubspot/sync/:tenant_id/:integration_id',
    {
      config: { access: 'sync', audited: 'sync.start', bodyOptional: true },
      preValidation: async (request) => {
        if (request.body === undefined) request.body = { sync_type: 'full' }
      },
      schema: {
        tags,
        operationId: 'sync.start',
        params: integrationPath,
        querystring: z.strictObject({}),
        body: syncBody,
        response: { 202: syncStarted, ...problems },
      },
    },
    async (request, reply) => {
      const tenantId = parseTenantId(request.params.tenant_id)
      const { integration_id: integrationId } = request.params
      const syncType = request.body.sync_type
      const key = { integrationId, kind: deps.kind, syncType }
      const asked = readIdempotencyKey(request)
      const start = async (): Promise<SyncStarted> => {
        const options = { retryLimits: deps.retryLimits, signal: deps.signalOf(request) }
        // Test the connection first, so that an invalid token is reported here and not in a run
        // that nobody watches.
        await deps.testConnection({ tenantId, integrationId }, options).catch((error: unknown) => {
          throw asAppError(error)
        })
        const { body } = await withTenant(deps.db, tenantId, async (scope) => {
          if (!(await lockIntegration(scope, integrationId))) throw integrationNotFound()
          return await runIdempotent(scope, asked, async () => {
            const requested = await requestRun(scope, key, 'api')
            return { status: 202, body: presentStarted(tenantId, requested) }
          })
        })
        // A waiting run was already woken under its own id, so it needs another occasion.
        deps.wakeStream(tenantId, key, body.resumed ? newId() : body.sync_event_id)
        return body
      }
      const response =
        asked &&
        (await withTenant(deps.db, tenantId, (scope) => findStoredResponse<SyncStarted>(scope, asked)))
      const body = response?.body ?? (await start())
      return reply
        .code(202)
        .header('location', `/api/hubspot/sync/${tenantId}/${integrationId}/${body.sync_event_id}`)
        .send(body)
    },
  )

  app.get(
    '/api/hubspot/sync/:tenant_id/:integration_id',
    {
      config: { access: 'read' },
      schema: {
        tags,
        operationId: 'sync.list',
        params: integrationPath,
        querystring: historyQuery,
        response: { 200: syncHistory, ...problems },
      },
    },
    async (request) => {
      const tenantId = parseTenantId(request.params.tenant_id)
      const { integration_id: integrationId } = request.params
      const before =
        request.query.after === undefined ? undefined : decodeIdCursor(integrationId, request.query.after)
      const rows = await withTenant(deps.db, tenantId, async (scope) => {
        if (!(await findIntegration(scope, integrationId))) throw integrationNotFound()
        return await listSyncEvents(scope, integrationId, { before, limit: request.query.limit + 1 })
      })
      const { shown, next_after } = toCursorPage(
        rows,
        request.query.limit,
        integrationId,
        (last) => last.syncEventId,
      )
      const events = shown.map(presentSyncEvent)
      return {
        success: true as const,
        tenant_id: tenantId,
        integration_id: integrationId,
        running: events.filter(({ state }) => !isFinished(state)),
        events,
        next_after,
      }
    },
  )

  app.get(
    '/api/hubspot/sync/:tenant_id/:integration_id/:sync_event_id',
    {
      config: { access: 'read' },
      schema: {
        tags,
        operationId: 'sync.get',
        params: eventPath,
        querystring: z.strictObject({}),
        response: { 200: syncEventResponse, ...problems },
      },
    },
    async (request) => {
      const tenantId = parseTenantId(request.params.tenant_id)
      const event = await existing(tenantId, request.params.integration_id, request.params.sync_event_id)
      return { success: true as const, tenant_id: tenantId, ...presentSyncEvent(event) }
    },
  )

  // Server-sent events: `progress` for each change of the run, with the row's version as id. The
  // stream ends with the run.
  app.get(
    '/api/hubspot/sync/:tenant_id/:integration_id/:sync_event_id/events',
    {
      config: { access: 'read', stream: true },
      // A HEAD request would wait for the end of the stream without receiving any of it.
      exposeHeadRoute: false,
      schema: { tags, operationId: 'sync.events', params: eventPath, querystring: z.strictObject({}) },
    },
    async (request, reply) => {
      const tenantId = parseTenantId(request.params.tenant_id)
      const event = await existing(tenantId, request.params.integration_id, request.params.sync_event_id)
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
      void stream.ended.then(deps.progress.watch(tenantId, event.syncEventId, Number(seen ?? 0), notify))
      // A client that reconnects after the end has nothing more to wait for.
      if (isFinished(event.state) && event.version <= Number(seen ?? 0)) stream.end()
    },
  )
}
