/** HTTP routes for the state of an integration's inbox and for replaying dead-lettered changes. */
import type { FastifyInstance } from 'fastify'
import type { ZodTypeProvider } from 'fastify-type-provider-zod'
import { z } from 'zod'
import { decodeNumberCursor, toCursorPage } from '../api/cursor.ts'
import { readIdempotencyKey } from '../api/idempotency.ts'
import { runIdempotent } from '../api/run-idempotent.ts'
import { integrationPath, problems, toIso } from '../api/wire.ts'
import type { Database } from '../db/database.ts'
import { withTenant } from '../db/scope.ts'
import { parseTenantId } from '../db/tenant-id.ts'
import { findIntegration, lockIntegration } from '../integrations/store.ts'
import { integrationNotFound } from '../lib/errors.ts'
import { findInboxState, listDeadLetters, replayDeadLetters } from './inbox-state-store.ts'
import { inboxQuery, inboxResponse, replayBody, replayResponse } from './schema.ts'

export interface InboxStateRouteDependencies {
  db: Database
  /** Whether webhooks are accepted. */
  webhooks: boolean
}

const tags = ['webhooks']

export function inboxStateRoutes(
  instance: FastifyInstance,
  { db, webhooks }: InboxStateRouteDependencies,
): void {
  const app = instance.withTypeProvider<ZodTypeProvider>()

  app.get(
    '/api/hubspot/inbox/:tenant_id/:integration_id',
    {
      config: { access: 'read' },
      schema: {
        tags,
        operationId: 'inbox.get',
        params: integrationPath,
        querystring: inboxQuery,
        response: { 200: inboxResponse, ...problems },
      },
    },
    async (request) => {
      const tenantId = parseTenantId(request.params.tenant_id)
      const { integration_id: id } = request.params
      const { limit: pageLimits, after } = request.query
      const beyond = after === undefined ? undefined : decodeNumberCursor(id, after)
      const { state, rows } = await withTenant(db, tenantId, async (scope) => {
        if (!(await findIntegration(scope, id))) throw integrationNotFound()
        return {
          state: await findInboxState(scope, id),
          rows: await listDeadLetters(scope, id, { beyond, limit: pageLimits + 1 }),
        }
      })
      const { shown, next_after } = toCursorPage(rows, pageLimits, id, ({ entryId }) => entryId)
      return {
        success: true as const,
        tenant_id: tenantId,
        integration_id: id,
        webhooks,
        last_received_at: toIso(state.lastReceivedAt),
        last_occurred_at: toIso(state.lastOccurredAt),
        webhooks_missing_since: toIso(state.webhooksMissingSince),
        failures: state.failures,
        next_attempt_at: toIso(state.notBefore),
        error_code: state.errorCode,
        waiting: state.waiting,
        waiting_since: toIso(state.waitingSince),
        dead_lettered: state.deadLettered,
        dead_letters: shown.map((row) => ({
          ticket_id: row.ticketId,
          change: row.change,
          occurred_at: row.occurredAt.toISOString(),
          received_at: row.receivedAt.toISOString(),
          attempt_count: row.attemptCount,
          dead_letter_reason: row.deadLetterReason,
        })),
        next_after,
      }
    },
  )

  app.post(
    '/api/hubspot/inbox/:tenant_id/:integration_id/replay',
    {
      config: { access: 'sync', audited: 'inbox.replay' },
      schema: {
        tags,
        operationId: 'inbox.replay',
        description:
          'Drains the dead-lettered changes again: all of them, or those that match every field given.',
        params: integrationPath,
        querystring: z.strictObject({}),
        body: replayBody,
        response: { 200: replayResponse, ...problems },
      },
    },
    async (request) => {
      const tenantId = parseTenantId(request.params.tenant_id)
      const { integration_id: id } = request.params
      const { ticket_ids: ticketIds, received_from: from, received_to: to } = request.body
      const asked = readIdempotencyKey(request)
      const answer = (replayed: number) => ({
        success: true as const,
        tenant_id: tenantId,
        integration_id: id,
        replayed,
      })
      return await withTenant(db, tenantId, async (scope) => {
        if (!(await lockIntegration(scope, id))) throw integrationNotFound()
        const { body } = await runIdempotent(scope, asked, async () => ({
          status: 200,
          body: answer(await replayDeadLetters(scope, id, { ticketIds, from, to })),
        }))
        return body
      })
    },
  )
}
