// The journal's events that a happening makes for one app: one each, with what its subscriptions ask for.
import { sidesOf, TICKET_TYPE } from '../crm/association-types.ts'
import type { ChangeEvent } from '../crm/change-events.ts'
import { differences } from '../crm/differences.ts'
import { propertyValue } from '../crm/show.ts'
import type { Ticket } from '../crm/tickets.ts'
import type { Portal } from '../portals.ts'
import type { Quirks } from '../quirks.ts'
import { passes } from './conditions.ts'
import type { Filter, JournalAction, JournalSubscription } from './types.ts'

type Fields = Record<string, unknown>
export type Subscribed = { subscription: JournalSubscription; filters: readonly Filter[] }

/** `subscribed` are the app's subscriptions to this account. */
export function journalEvents(
  portal: Portal,
  quirks: Quirks,
  subscribed: readonly Subscribed[],
  change: ChangeEvent,
): Fields[] {
  const head = (type: string, action: JournalAction): Fields => ({
    type,
    portalId: portal.portal_id,
    occurredAt: new Date(change.at).toISOString(),
    action,
  })
  if (change.kind === 'associated') return associationEvents(quirks, subscribed, change, head)

  const [action, id, ticket] = about(portal, quirks, change)
  const wanting = subscribed.filter(({ subscription, filters }) => {
    const { type, object_type_id, actions, object_ids } = subscription
    if (type !== 'OBJECT' || object_type_id !== TICKET_TYPE || !actions.includes(action)) return false
    if (object_ids.length > 0 && !object_ids.includes(id)) return false
    // Of a ticket that is gone for good nothing is known that a condition could ask for.
    return ticket === null || passes(filters, (name) => propertyValue(portal, ticket, name))
  })
  if (wanting.length === 0) return []
  const event = { ...head('crmObject', action), objectTypeId: TICKET_TYPE, objectId: id }
  if (change.kind !== 'created' && change.kind !== 'changed') return [event]

  const names = new Set(wanting.flatMap(({ subscription }) => subscription.properties))
  const before = change.kind === 'changed' ? change.before : null
  const propertyChanges: Record<string, string> = {}
  for (const [name, value] of differences(portal, before, change.ticket))
    if (names.has(name)) propertyChanges[name] = value
  // A change of nothing that was asked for is no event; a creation is one all the same.
  if (action === 'UPDATE' && Object.keys(propertyChanges).length === 0) return []
  return [{ ...event, propertyChanges }]
}

function about(
  portal: Portal,
  quirks: Quirks,
  change: Exclude<ChangeEvent, { kind: 'associated' }>,
): [JournalAction, number, Ticket | null] {
  switch (change.kind) {
    case 'created':
      return ['CREATE', change.ticket.id, change.ticket]
    case 'changed':
      return ['UPDATE', change.ticket.id, change.ticket]
    case 'merged': {
      const id = quirks.journal_merge_object === 'new' ? change.into : change.primary
      return ['MERGE', id, portal.tickets.get(id)]
    }
    default:
      return [change.kind === 'deleted' ? 'DELETE' : 'RESTORE', change.id, portal.tickets.get(change.id)]
  }
}

// From either side, for who is subscribed to that side.
function associationEvents(
  quirks: Quirks,
  subscribed: readonly Subscribed[],
  change: Extract<ChangeEvent, { kind: 'associated' }>,
  head: (type: string, action: JournalAction) => Fields,
): Fields[] {
  const { before, after, id, to: kind, other } = change
  if (before.length > 0 === after.length > 0) return []
  const action = after.length > 0 ? 'ASSOCIATION_ADDED' : 'ASSOCIATION_REMOVED'
  return sidesOf(id, kind, other, false)
    .filter(({ from, to }) =>
      subscribed.some(({ subscription: one }) => {
        const { associated_object_type_ids: ends, object_ids } = one
        return (
          one.type === 'ASSOCIATION' &&
          one.object_type_id === from.type_id &&
          one.actions.includes(action) &&
          (ends.length === 0 || ends.includes(to.type_id)) &&
          (object_ids.length === 0 || object_ids.includes(from.id))
        )
      }),
    )
    .map(({ name, from, to, associationTypeId, associationCategory }) => ({
      ...head('association', action),
      ...(quirks.journal_association === 'ends'
        ? {
            fromObjectTypeId: from.type_id,
            fromObjectId: from.id,
            toObjectTypeId: to.type_id,
            toObjectId: to.id,
            associationTypeId,
            associationCategory,
            isPrimary: false,
          }
        : {
            objectTypeId: from.type_id,
            objectId: from.id,
            associatedObjectTypeId: to.type_id,
            associatedObjectId: to.id,
            associationType: name,
          }),
    }))
}
