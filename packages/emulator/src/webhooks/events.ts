// The events that a happening makes for the subscriptions of one app, with the fields that HubSpot sends.
import { type AssociationType, PRIMARY_COMPANY, type Side, sidesOf } from '../crm/association-types.ts'
import type { Actor, ChangeEvent } from '../crm/change-events.ts'
import { differences } from '../crm/differences.ts'
import type { Ticket } from '../crm/tickets.ts'
import type { Portal } from '../portals.ts'
import type { Quirks } from '../quirks.ts'
import type { Lookup } from './lookup.ts'
import type { Action, Subscription, WebhookEvent } from './types.ts'

type Fields = Record<string, unknown>

export type Making = {
  app_id: number
  portal: Portal
  actor: Actor
  quirks: Quirks
  lookup: Lookup
  // Names of properties whose values are not sent.
  sensitive: readonly string[]
  nextId(): number
}

/** Each subscription gets an event of its own, with an id of its own. */
export function eventsOf(making: Making, change: ChangeEvent): WebhookEvent[] {
  const events: WebhookEvent[] = []
  const emit = (subscriptions: readonly Subscription[], objectId: number | null, fields: Fields) => {
    for (const one of subscriptions) events.push(event(making, one, change.at, objectId, fields))
  }
  const { lookup, portal, quirks } = making
  const plain = (action: Action, id: number, fields: Fields = {}) => emit(lookup.of(action), id, fields)

  // A new record comes with a burst of changes, one for each subscribed property that has a value.
  function born(ticket: Ticket): void {
    plain('creation', ticket.id, { changeFlag: 'NEW' })
    if (quirks.webhook_creation_burst) changed(null, ticket)
  }

  function changed(before: Ticket | null, ticket: Ticket): void {
    if (lookup.of('propertyChange').length === 0) return
    for (const [propertyName, value] of differences(portal, before, ticket)) {
      const subscriptions = lookup.ofProperty(propertyName)
      if (subscriptions.length === 0) continue
      if (portal.definitions.get(propertyName)?.calculated && !quirks.webhook_calculated_fires) continue
      const hidden = making.sensitive.includes(propertyName)
      for (const one of subscriptions) {
        const fields: Fields = { propertyName, propertyValue: hidden ? 'REDACTED' : value }
        if (generic(one) || quirks.webhook_classic_is_sensitive) fields.isSensitive = hidden
        emit([one], ticket.id, fields)
      }
    }
  }

  switch (change.kind) {
    case 'created':
      born(change.ticket)
      break
    case 'changed':
      changed(change.before, change.ticket)
      break
    case 'deleted':
      plain('deletion', change.id, { changeFlag: 'DELETED' })
      break
    case 'restored':
      plain('restore', change.id)
      break
    case 'merged': {
      const { primary, merged, into, survivor } = change
      plain('merge', quirks.webhook_merge_object === 'new' ? into : primary, {
        primaryObjectId: primary,
        mergedObjectIds: merged,
        newObjectId: into,
        numberOfPropertiesMoved: Object.keys(survivor?.own ?? {}).length,
      })
      // Whether HubSpot also tells of the records that come and go with a merge is undocumented: a switch.
      if (!quirks.webhook_merge_noise) break
      if (survivor) born(survivor)
      for (const id of survivor ? [primary, ...merged] : merged)
        plain('deletion', id, { changeFlag: 'DELETED' })
      break
    }
    case 'associated':
      for (const associationChange of associationChanges(change, quirks))
        for (const one of lookup.of('associationChange'))
          emit([one], ...associationFields(one, associationChange, quirks))
  }
  return events
}

const generic = ({ event_type }: Subscription) => event_type.startsWith('object.')

function event(
  { app_id, portal, actor, quirks, nextId }: Making,
  subscription: Subscription,
  occurredAt: number,
  objectId: number | null,
  fields: Fields,
): WebhookEvent {
  return {
    eventId: nextId(),
    subscriptionId: subscription.id,
    portalId: portal.portal_id,
    appId: app_id,
    occurredAt,
    [quirks.webhook_type_field]: subscription.event_type,
    attemptNumber: 0,
    ...(objectId === null ? {} : { objectId }),
    ...(generic(subscription) ? { objectTypeId: subscription.object_type_id } : {}),
    changeSource: actor.changeSource,
    sourceId: actor.sourceId ?? `userId:${portal.user_id}`,
    ...fields,
  }
}

/** Event 100 about object 123, whatever was subscribed to. */
export function testEvent(
  appId: number,
  portalId: number,
  { id, event_type, property_name, object_type_id }: Subscription,
  occurredAt: number,
  typeField: Quirks['webhook_type_field'],
): WebhookEvent {
  const changed = { propertyName: property_name, propertyValue: 'sample-value', isSensitive: false }
  return {
    eventId: 100,
    subscriptionId: id,
    portalId,
    appId,
    occurredAt,
    [typeField]: event_type,
    attemptNumber: 0,
    objectId: 123,
    ...(object_type_id === null ? {} : { objectTypeId: object_type_id }),
    changeSource: 'CRM',
    ...(property_name === null ? { changeFlag: 'NEW' } : changed),
  }
}

type AssociationChange = { side: Side; removed: boolean; primary: boolean }

// One event from each side; when the primary company changes, one more that says so.
function associationChanges(
  change: Extract<ChangeEvent, { kind: 'associated' }>,
  quirks: Quirks,
): AssociationChange[] {
  const { before, after, id, to, other } = change
  const primary = (types: readonly AssociationType[]) =>
    types.some((one) => one.typeId === PRIMARY_COMPANY.typeId && one.category === PRIMARY_COMPANY.category)
  const linked = before.length > 0 !== after.length > 0
  const madePrimary = primary(before) !== primary(after)
  const kinds: boolean[] = []
  if (linked && !(madePrimary && !quirks.webhook_primary_twice)) kinds.push(false)
  if (madePrimary) kinds.push(true)
  return kinds.flatMap((isPrimary) => {
    const removed = isPrimary ? !primary(after) : after.length === 0
    const [own, reverse] = sidesOf(id, to, other, isPrimary)
    return (quirks.webhook_association_sides === 'own' ? [own] : [own, reverse]).map((side) => ({
      side,
      removed,
      primary: isPrimary,
    }))
  })
}

// The object that the event names, if any, and its fields. HubSpot's guide gives those of generic events; of classic ones
// captured bodies name the pair of types, and others were seen with type ids and without the name.
function associationFields(
  subscription: Subscription,
  { side: { name, from, to, associationTypeId, associationCategory }, removed, primary }: AssociationChange,
  quirks: Quirks,
): [number | null, Fields] {
  const source = quirks.webhook_association_source === 'USER' ? { changeSource: 'USER' } : {}
  const ids = { fromObjectId: from.id, toObjectId: to.id }
  const types = {
    fromObjectTypeId: from.type_id,
    toObjectTypeId: to.type_id,
    associationTypeId,
    associationCategory,
  }
  const flags = { associationRemoved: removed, isPrimaryAssociation: primary, ...source }
  if (generic(subscription) && quirks.webhook_object_association === 'ends')
    return [null, { objectTypeId: undefined, ...ids, ...types, ...flags }]
  const form = generic(subscription) ? 'named' : quirks.webhook_classic_association
  const words = form === 'named' ? { associationType: name } : form === 'typed' ? types : {}
  return [quirks.webhook_association_object_id ? from.id : null, { ...ids, ...words, ...flags }]
}
