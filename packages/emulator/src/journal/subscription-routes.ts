// The paths by which an app says what its journal is to hold.
import { instant } from '../clock.ts'
import { type AppCall, asReader } from '../http/app-call.ts'
import { problem, type Reply } from '../http/reply.ts'
import type { Route } from '../http/router.ts'
import { readFilter, readSubscription } from './check.ts'
import type { Filter, JournalSubscription } from './types.ts'

const BASE = '/webhooks-journal/subscriptions/{version:2026-03|2026-09}'

function route(
  method: string,
  rest: string,
  need: 'subscriptions_read' | 'subscriptions_write',
  handle: (call: AppCall) => Reply,
): Route {
  return {
    method,
    pattern: BASE + rest,
    auth: 'none',
    handle: asReader(need, handle),
  }
}

export const journalSubscriptionRoutes: readonly Route[] = [
  route('GET', '', 'subscriptions_read', (call) => ({
    status: 200,
    json: { results: [...journalOf(call).subscriptions.values()].map((one) => show(call, one)) },
  })),
  route('POST', '', 'subscriptions_write', (call) => ({
    status: 200,
    json: show(call, call.world.journal.upsert(call.app, readSubscription(call))),
  })),
  route('POST', '/filters', 'subscriptions_write', createFilter),
  route('GET', '/filters/subscription/{subscriptionId:\\d+}', 'subscriptions_read', (call) => ({
    status: 200,
    json: [...journalOf(call).filters.values()]
      .filter((one) => one.subscription_id === Number(call.params.subscriptionId))
      .map(showFilter),
  })),
  route('GET', '/filters/{filterId:\\d+}', 'subscriptions_read', (call) => {
    const found = journalOf(call).filters.get(Number(call.params.filterId))
    return found ? { status: 200, json: showFilter(found) } : notFound()
  }),
  route('DELETE', '/filters/{filterId:\\d+}', 'subscriptions_write', (call) =>
    journalOf(call).filters.delete(Number(call.params.filterId)) ? { status: 204 } : notFound(),
  ),
  route('DELETE', '/portals/{portalId:\\d+}', 'subscriptions_write', (call) => {
    call.world.journal.remove(call.app, (one) => one.portal_id === Number(call.params.portalId))
    return { status: 204 }
  }),
  route('GET', '/{subscriptionId:\\d+}', 'subscriptions_read', (call) => {
    const found = journalOf(call).subscriptions.get(Number(call.params.subscriptionId))
    return found ? { status: 200, json: show(call, found) } : notFound()
  }),
  route('DELETE', '/{subscriptionId:\\d+}', 'subscriptions_write', (call) =>
    call.world.journal.remove(call.app, (one) => one.id === Number(call.params.subscriptionId)) > 0
      ? { status: 204 }
      : notFound(),
  ),
]

const journalOf = ({ world, app }: AppCall) => world.journal.of(app)
const notFound = () => problem(404, 'resource not found', { category: 'OBJECT_NOT_FOUND' })

function show({ app }: AppCall, one: JournalSubscription): Record<string, unknown> {
  return {
    id: one.id,
    appId: app.app_id,
    subscriptionType: one.type,
    ...(one.portal_id === null ? {} : { portalId: one.portal_id }),
    objectTypeId: one.object_type_id,
    actions: one.actions,
    properties: one.properties,
    objectIds: one.object_ids,
    associatedObjectTypeIds: one.associated_object_type_ids,
    createdAt: instant(one.created_at),
    updatedAt: instant(one.updated_at),
  }
}

function createFilter(call: AppCall): Reply {
  const { subscription_id, conditions } = readFilter(call)
  if (!journalOf(call).subscriptions.has(subscription_id)) return notFound()
  const made = call.world.journal.addFilter(call.app, subscription_id, conditions)
  return { status: 200, json: { filterId: made.id } }
}

function showFilter({ id, conditions, created_at }: Filter): Record<string, unknown> {
  return { id, filter: { conditions }, createdAt: created_at }
}
