/** HTTP routes for the state of an integration's inbox and for replaying dead-lettered changes. */
import type { FastifyInstance } from 'fastify'
import { decodeNumberCursor, toCursorPage } from '../api/cursor.ts'
import { tenantRoute } from '../api/tenant-route.ts'
import { integrationPath, isoTimes } from '../api/wire.ts'
import type { Database } from '../db/database.ts'
import { requireIntegration, requireLockedIntegration } from '../integrations/require-integration.ts'
import { findInboxState, listDeadLetters, replayDeadLetters } from './inbox-state-store.ts'
import { inboxQuery, inboxResponse, replayBody, replayResponse } from './schema.ts'

export interface InboxStateRouteDependencies {
  db: Database
  /** Whether webhooks are accepted. */
  webhooks: boolean
}

export function inboxStateRoutes(app: FastifyInstance, { db, webhooks }: InboxStateRouteDependencies): void {
  tenantRoute(
    app,
    db,
    {
      method: 'GET',
      path: '/api/hubspot/inbox/:tenant_id/:integration_id',
      operationId: 'inbox.get',
      tags: ['webhooks'],
      summary: 'Read the state of the inbox, and its dead-lettered changes',
      description:
        'Whether HubSpot’s webhooks arrive, how many changes wait to be read, and why the last attempt failed. `dead_letters` are changes that could not be read after five attempts.',
      errors: ['invalid_cursor'],
      config: { access: 'read' },
      params: integrationPath,
      query: inboxQuery,
      response: { 200: inboxResponse },
      requires: requireIntegration,
    },
    async ({ params: { integration_id: id }, query: { limit, after }, transaction }) => {
      const beyond = after === undefined ? undefined : decodeNumberCursor(id, after)
      const { state, rows } = await transaction(async (scope) => ({
        state: await findInboxState(scope, id),
        rows: await listDeadLetters(scope, id, { beyond, limit: limit + 1 }),
      }))
      const { shown, next_after } = toCursorPage(rows, limit, id, ({ entry_id }) => entry_id)
      const { not_before: next_attempt_at, ...rest } = state
      const dead_letters = shown.map(isoTimes)
      return { webhooks, ...isoTimes({ ...rest, next_attempt_at }), dead_letters, next_after }
    },
  )

  tenantRoute(
    app,
    db,
    {
      method: 'POST',
      path: '/api/hubspot/inbox/:tenant_id/:integration_id/replay',
      operationId: 'inbox.replay',
      tags: ['webhooks'],
      summary: 'Drain dead-lettered changes again',
      errors: [],
      description:
        'Drains the dead-lettered changes again: all of them, or those that match every field given.',
      config: { access: 'sync', audited: 'inbox.replay' },
      params: integrationPath,
      body: replayBody,
      response: { 200: replayResponse },
      idempotent: true,
      requires: requireLockedIntegration,
    },
    async ({ params: { integration_id: id }, body, once }) => {
      const { ticket_ids: ticketIds, received_from: from, received_to: to } = body
      return await once(async (scope) => ({
        replayed: await replayDeadLetters(scope, id, { ticketIds, from, to }),
      }))
    },
  )
}
