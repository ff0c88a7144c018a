// Each app's webhook settings and subscriptions, which hold for all accounts that installed the app.
import type { Clock } from '../clock.ts'
import { seededUuid } from '../random.ts'
import type { App } from '../token-types.ts'
import type { Hooked, NewSubscription, Plan, Settings, Subscription } from './types.ts'

export const MOST_SUBSCRIPTIONS = 1000
const NOTHING: Plan = { settings: null, subscriptions: new Map() }
// Far from the ids of apps and accounts, so that no test takes one for another.
const FIRST_ID = 2_300_000

export type Subscriptions = ReturnType<typeof createSubscriptions>

/** `lag` says how long HubSpot goes on with what an app had set before a change; `changed` is called after each. */
export function createSubscriptions(seed: number, clock: Clock, lag: () => number, changed: () => void) {
  const hooked = new Map<string, Hooked>()
  let ids = FIRST_ID

  function of(app: App): Hooked {
    const known = hooked.get(app.client_id)
    if (known) return known
    const made: Hooked = {
      app,
      hapikey: seededUuid(seed, app.app_id, 31),
      plan: NOTHING,
      earlier: NOTHING,
      changed_at: Number.NEGATIVE_INFINITY,
    }
    hooked.set(app.client_id, made)
    return made
  }

  function change(app: App, plan: Partial<Plan>): void {
    const one = of(app)
    const now = clock.now()
    // Changes in quick succession come into force together with the first of them.
    if (now - one.changed_at >= lag()) {
      one.earlier = one.plan
      one.changed_at = now
    }
    one.plan = { ...one.plan, ...plan }
    changed()
  }

  function inForce({ plan, earlier, changed_at }: Hooked): Plan {
    return clock.now() - changed_at < lag() ? earlier : plan
  }

  function setSettings(
    app: App,
    given: Pick<Settings, 'target_url' | 'max_concurrent_requests'> | null,
  ): Settings | null {
    const now = clock.now()
    const created_at = of(app).plan.settings?.created_at ?? now
    const settings = given && { ...given, created_at, updated_at: now }
    change(app, { settings })
    return settings
  }

  function setAll(app: App, list: readonly NewSubscription[]): void {
    change(app, { subscriptions: new Map(list.map(make).map((one) => [one.id, one])) })
  }

  function make(given: NewSubscription): Subscription {
    const now = clock.now()
    ids += 1
    return {
      id: ids,
      event_type: given.event_type,
      property_name: given.property_name ?? null,
      object_type_id: given.object_type_id ?? null,
      event_type_name: given.event_type_name ?? null,
      active: given.active ?? false,
      created_at: now,
      updated_at: now,
    }
  }

  function add(app: App, given: NewSubscription): Subscription {
    const made = make(given)
    change(app, { subscriptions: new Map([...of(app).plan.subscriptions, [made.id, made]]) })
    return made
  }

  function setActive(app: App, states: ReadonlyMap<number, boolean>): void {
    const next = new Map(of(app).plan.subscriptions)
    for (const [id, active] of states) {
      const one = next.get(id)
      if (one) next.set(id, { ...one, active, updated_at: clock.now() })
    }
    change(app, { subscriptions: next })
  }

  function remove(app: App, id: number): boolean {
    const next = new Map(of(app).plan.subscriptions)
    const found = next.delete(id)
    if (found) change(app, { subscriptions: next })
    return found
  }

  return {
    of,
    inForce,
    setSettings,
    setAll,
    add,
    setActive,
    remove,
    list: () => [...hooked.values()],
    // Paused ones do not count, nor those without an address to go to. What was in force before may still be.
    wanted: () =>
      [...hooked.values()].some(({ plan, earlier }) =>
        (lag() > 0 ? [plan, earlier] : [plan]).some(
          ({ settings, subscriptions }) =>
            settings !== null && [...subscriptions.values()].some((one) => one.active),
        ),
      ),
    clear(): void {
      hooked.clear()
      ids = FIRST_ID
    },
  }
}
