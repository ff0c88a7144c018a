// What the journal takes as a subscription and as a filter, and the refusals.
import type { AppCall } from '../http/app-call.ts'
import { jsonBody, missingFields, numberIn } from '../http/call.ts'
import { invalid, refuse } from '../http/reply.ts'
import type { GivenSubscription } from './journal.ts'
import {
  ACTIONS,
  type Condition,
  INSTALLED,
  type JournalAction,
  OPERATORS,
  type SubscriptionType,
  TYPES,
  UNINSTALLED,
} from './types.ts'

// The specification wants lists of properties, records and types too; clients that work leave them out.
const NEEDED: Record<SubscriptionType, readonly string[]> = {
  OBJECT: ['actions', 'objectTypeId', 'portalId'],
  ASSOCIATION: ['actions', 'objectTypeId', 'portalId'],
  APP_LIFECYCLE_EVENT: ['eventTypeId'],
  LIST_MEMBERSHIP: ['actions', 'portalId'],
  GDPR_PRIVACY_DELETION: ['actions', 'objectTypeId', 'portalId'],
}

/** The subscription that a request asks for, or a refusal. */
export function readSubscription(call: AppCall): GivenSubscription {
  const body = jsonBody(call)
  const type = body.subscriptionType as SubscriptionType
  if (type === undefined) return missingFields('subscriptionType')
  if (!TYPES.includes(type)) return invalid(`${shown(type)} is not a subscription type`)
  const lacking = NEEDED[type].filter((name) => body[name] === undefined || body[name] === null)
  if (lacking.length > 0) missingFields(...lacking)
  const texts = (name: string) => list(body, name, (one) => typeof one === 'string') as string[]
  const lifecycle = type === 'APP_LIFECYCLE_EVENT'
  const given: GivenSubscription = {
    type,
    portal_id: lifecycle ? null : portalOf(call, body.portalId),
    object_type_id: textOf(lifecycle ? body.eventTypeId : (body.objectTypeId ?? '')),
    actions: lifecycle
      ? [body.eventTypeId === UNINSTALLED ? 'APP_UNINSTALL' : 'APP_INSTALL']
      : (texts('actions') as JournalAction[]),
    properties: texts('properties'),
    object_ids: list(body, 'objectIds', (one) => Number.isSafeInteger(numberIn(one))).map(numberIn),
    associated_object_type_ids: texts('associatedObjectTypeIds'),
  }
  if (lifecycle && ![INSTALLED, UNINSTALLED].includes(given.object_type_id))
    invalid(`${shown(given.object_type_id)} is not an app lifecycle event type`)
  const [wrong] = given.actions.filter((one) => !ACTIONS.includes(one))
  if (wrong !== undefined) invalid(`${shown(wrong)} is not an action`)
  return given
}

// Whether a subscription for an account without the app is refused is undocumented; who relies on the refusal is safe.
function portalOf({ world, app }: AppCall, id: unknown): number {
  const portal_id = numberIn(id)
  if (!Number.isSafeInteger(portal_id)) return invalid('portalId must be a whole number')
  const portal = world.portals.get(portal_id)
  if (!portal || portal.deleted || world.tokens.installs.of(app, portal_id).length === 0)
    return refuse(403, `The app is not installed in account ${portal_id}`, {
      category: 'MISSING_PERMISSIONS',
    })
  return portal_id
}

const shown = (value: unknown) => (JSON.stringify(value) ?? '').slice(0, 100)
const textOf = (value: unknown) => (typeof value === 'string' ? value : shown(value))

function list(body: Record<string, unknown>, name: string, right: (one: unknown) => boolean): unknown[] {
  const given = body[name] ?? []
  if (!Array.isArray(given) || !given.every(right)) return invalid(`${name} must be a list of the right kind`)
  return given
}

/** The filter that a request asks for, or a refusal. */
export function readFilter(call: AppCall): { subscription_id: number; conditions: Condition[] } {
  const { subscriptionId, filter } = jsonBody(call)
  const conditions = (filter as { conditions?: unknown } | null | undefined)?.conditions
  if (subscriptionId === undefined || !Array.isArray(conditions))
    return missingFields('subscriptionId', 'filter')
  for (const one of conditions as (Partial<Condition> | null)[]) {
    if (one?.filterType !== 'CRM_OBJECT_PROPERTY' || typeof one.property !== 'string')
      return invalid('A condition needs filterType CRM_OBJECT_PROPERTY and a property')
    if (!OPERATORS.includes(one.operator as Condition['operator']))
      return invalid(`${shown(one.operator)} is not an operator`)
    const { value = '', values = [] } = one as Record<string, unknown>
    if (
      typeof value !== 'string' ||
      !Array.isArray(values) ||
      !values.every((each) => typeof each === 'string')
    )
      return invalid('value must be text, and values a list of texts')
  }
  return { subscription_id: numberIn(subscriptionId), conditions: conditions as Condition[] }
}
