// What HubSpot takes as settings and as a subscription, and the refusals.
import { missingFields } from '../http/call.ts'
import { invalid } from '../http/reply.ts'
import { NOT_SUBSCRIBABLE } from './lookup.ts'
import { MOST_SUBSCRIPTIONS } from './subscriptions.ts'
import { isTarget } from './target.ts'
import { ACTIONS, type NewSubscription, type Plan, type Settings } from './types.ts'

const WITH_ALL = ['company', 'contact', 'deal', 'line_item', 'object', 'product', 'ticket']
const EVENT_TYPES = new Set([
  ...WITH_ALL.flatMap((object) => ACTIONS.map((action) => `${object}.${action}`)),
  'contact.privacyDeletion',
  ...['creation', 'deletion', 'privacyDeletion', 'propertyChange', 'newMessage'].map(
    (action) => `conversation.${action}`,
  ),
  'event.completed',
])
EVENT_TYPES.delete('product.associationChange')

const LEAST_CONCURRENT = 6

/** The settings that a request asks for, or a refusal. */
export function readSettings(
  body: Record<string, unknown>,
): Pick<Settings, 'target_url' | 'max_concurrent_requests'> {
  const throttling = body.throttling as Record<string, unknown> | null | undefined
  if (body.targetUrl === undefined) missingFields('targetUrl')
  if (typeof throttling !== 'object' || throttling === null) return missingFields('throttling')
  const most = throttling.maxConcurrentRequests
  if (!isTarget(body.targetUrl)) return invalid('targetUrl must be a valid https URL')
  if (typeof most !== 'number' || !Number.isSafeInteger(most) || most < LEAST_CONCURRENT)
    return invalid('maxConcurrentRequests must be a whole number greater than 5')
  return { target_url: body.targetUrl, max_concurrent_requests: most }
}

/** The subscription that a request asks for beside those of the plan, or a refusal. */
export function readSubscription(body: Record<string, unknown>, { subscriptions }: Plan): NewSubscription {
  const { eventType, propertyName, objectTypeId, eventTypeName, active = false } = body
  if (typeof eventType !== 'string') return missingFields('eventType')
  if (!EVENT_TYPES.has(eventType)) return invalid(`${eventType.slice(0, 100)} is not a valid event type`)
  if (typeof active !== 'boolean') return invalid('active must be a boolean')
  const changes = eventType.endsWith('.propertyChange')
  if (changes && (typeof propertyName !== 'string' || propertyName === ''))
    return invalid('propertyName is required for propertyChange subscriptions')
  if (changes && NOT_SUBSCRIBABLE.includes(propertyName as string))
    return invalid(`${propertyName} cannot be subscribed to`)
  const generic = eventType.startsWith('object.')
  if (generic && (typeof objectTypeId !== 'string' || !/^\d+-\d+$/.test(objectTypeId)))
    return invalid('objectTypeId is required for object subscriptions')
  const made: NewSubscription = {
    event_type: eventType,
    property_name: changes ? (propertyName as string) : null,
    object_type_id: generic ? (objectTypeId as string) : null,
    event_type_name: typeof eventTypeName === 'string' ? eventTypeName : null,
    active,
  }
  const same = [...subscriptions.values()].some(
    (one) =>
      one.event_type === made.event_type &&
      one.property_name === made.property_name &&
      one.object_type_id === made.object_type_id,
  )
  if (same) return invalid('A subscription to this event exists already')
  if (subscriptions.size >= MOST_SUBSCRIPTIONS)
    return invalid(`An app may have no more than ${MOST_SUBSCRIPTIONS} webhook subscriptions`)
  return made
}
