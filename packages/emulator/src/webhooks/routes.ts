// The public paths by which an app's webhook settings and subscriptions are read and changed.
import { DEVELOPER_SCOPES } from '../app-tokens.ts'
import { instant } from '../clock.ts'
import { type AppCall, asDeveloper } from '../http/app-call.ts'
import { jsonBody, missingFields, numberIn } from '../http/call.ts'
import { invalid, problem, type Reply } from '../http/reply.ts'
import type { Route } from '../http/router.ts'
import { readSettings, readSubscription } from './check.ts'
import type { Settings, Subscription } from './types.ts'

const BASES = [
  '/webhooks/{version:v3|2026-03}/{appId:\\d+}',
  '/app-webhooks/{version:2025-09|2026-09}/{appId:\\d+}',
]
const [READ, WRITE] = DEVELOPER_SCOPES

function under(method: string, rest: string, scope: string, handle: (call: AppCall) => Reply): Route[] {
  return BASES.map((base) => ({
    method,
    pattern: base + rest,
    auth: 'none' as const,
    handle: asDeveloper(scope, handle),
  }))
}

export const webhookRoutes: readonly Route[] = [
  ...under('GET', '/settings', READ, (call) => settingsReply(planOf(call).settings)),
  ...under('PUT', '/settings', WRITE, (call) =>
    settingsReply(call.world.webhooks.subscriptions.setSettings(call.app, readSettings(jsonBody(call)))),
  ),
  ...under('DELETE', '/settings', WRITE, (call) => {
    call.world.webhooks.subscriptions.setSettings(call.app, null)
    return { status: 204 }
  }),
  ...under('GET', '/subscriptions', READ, (call) => ({
    status: 200,
    json: { results: [...planOf(call).subscriptions.values()].map(show) },
  })),
  ...under('POST', '/subscriptions', WRITE, create),
  ...under('POST', '/subscriptions/batch/update', WRITE, updateMany),
  ...under('GET', '/subscriptions/{subscriptionId}', READ, (call) => one(call)),
  ...under('PATCH', '/subscriptions/{subscriptionId}', WRITE, update),
  ...under('DELETE', '/subscriptions/{subscriptionId}', WRITE, (call) =>
    call.world.webhooks.subscriptions.remove(call.app, Number(call.params.subscriptionId))
      ? { status: 204 }
      : notFound(),
  ),
]

const planOf = ({ world, app }: AppCall) => world.webhooks.subscriptions.of(app).plan
const notFound = () => problem(404, 'resource not found', { category: 'OBJECT_NOT_FOUND' })

function settingsReply(settings: Settings | null): Reply {
  if (!settings) return notFound()
  return {
    status: 200,
    json: {
      targetUrl: settings.target_url,
      throttling: { maxConcurrentRequests: settings.max_concurrent_requests },
      createdAt: instant(settings.created_at),
      updatedAt: instant(settings.updated_at),
    },
  }
}

// Ids are text here and numbers in the events.
function show(one: Subscription): Record<string, unknown> {
  return {
    id: String(one.id),
    eventType: one.event_type,
    ...(one.property_name === null ? {} : { propertyName: one.property_name }),
    ...(one.object_type_id === null ? {} : { objectTypeId: one.object_type_id }),
    ...(one.event_type_name === null ? {} : { eventTypeName: one.event_type_name }),
    active: one.active,
    createdAt: instant(one.created_at),
    updatedAt: instant(one.updated_at),
  }
}

function one(call: AppCall): Reply {
  const found = planOf(call).subscriptions.get(Number(call.params.subscriptionId))
  return found ? { status: 200, json: show(found) } : notFound()
}

function create(call: AppCall): Reply {
  const given = readSubscription(jsonBody(call), planOf(call))
  return { status: 201, json: show(call.world.webhooks.subscriptions.add(call.app, given)) }
}

function update(call: AppCall): Reply {
  const { active } = jsonBody(call)
  const id = Number(call.params.subscriptionId)
  if (!planOf(call).subscriptions.has(id)) return notFound()
  if (active !== undefined && typeof active !== 'boolean') return invalid('active must be a boolean')
  if (active !== undefined) call.world.webhooks.subscriptions.setActive(call.app, new Map([[id, active]]))
  return one(call)
}

function updateMany(call: AppCall): Reply {
  const { inputs } = jsonBody(call)
  const startedAt = instant(call.world.clock.now())
  if (!Array.isArray(inputs)) return missingFields('inputs')
  const states = new Map<number, boolean>()
  for (const input of inputs as ({ id?: unknown; active?: unknown } | null)[]) {
    const id = numberIn(input?.id)
    if (!Number.isSafeInteger(id) || typeof input?.active !== 'boolean') return missingFields('id', 'active')
    states.set(id, input.active)
  }
  const known = [...states].filter(([id]) => planOf(call).subscriptions.has(id))
  call.world.webhooks.subscriptions.setActive(call.app, new Map(known))
  const results = known.map(([id]) => show(planOf(call).subscriptions.get(id) as Subscription))
  const missing = [...states.keys()].filter((id) => !planOf(call).subscriptions.has(id))
  const errors = missing.map((id) => ({
    status: 'error',
    category: 'OBJECT_NOT_FOUND',
    message: `There is no subscription ${id}`,
    context: { ids: [String(id)] },
  }))
  return {
    status: 200,
    json: {
      status: 'COMPLETE',
      results,
      ...(errors.length > 0 ? { numErrors: errors.length, errors } : {}),
      startedAt,
      completedAt: instant(call.world.clock.now()),
    },
  }
}
