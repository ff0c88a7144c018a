// Which active subscriptions of a plan an event goes to.
import type { Action, Plan, Subscription } from './types.ts'

// HubSpot takes no subscription to these two, and they never fire.
export const NOT_SUBSCRIBABLE = ['hs_lastmodifieddate', 'num_unique_conversion_events']

export type Lookup = {
  of(action: Action): readonly Subscription[]
  ofProperty(name: string): readonly Subscription[]
}

// Plans are replaced and never changed, so each is looked through once.
const known = new WeakMap<Plan, Lookup>()

/** The active subscriptions to tickets, classic and generic, by what they are about. */
export function lookupOf(plan: Plan): Lookup {
  const found = known.get(plan)
  if (found) return found
  const actions = new Map<string, Subscription[]>()
  const properties = new Map<string, Subscription[]>()
  for (const one of plan.subscriptions.values()) {
    const [object, action = ''] = one.event_type.split('.')
    const tickets = object === 'ticket' || (object === 'object' && one.object_type_id === '0-5')
    if (!one.active || !tickets) continue
    actions.set(action, [...(actions.get(action) ?? []), one])
    const name = one.property_name
    if (action !== 'propertyChange' || name === null || NOT_SUBSCRIBABLE.includes(name)) continue
    properties.set(name, [...(properties.get(name) ?? []), one])
  }
  const made: Lookup = {
    of: (action) => actions.get(action) ?? [],
    ofProperty: (name) => properties.get(name) ?? [],
  }
  known.set(plan, made)
  return made
}
