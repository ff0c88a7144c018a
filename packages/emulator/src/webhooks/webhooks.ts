// The webhooks of all apps: a happening becomes events for every app that is installed and subscribed, and those are
// sent, kept for reading, or both.
import type { Clock } from '../clock.ts'
import type { Actor, ChangeEmitter, ChangeEvent } from '../crm/change-events.ts'
import { createRing } from '../http/ring.ts'
import type { Portal } from '../portals.ts'
import type { Quirks } from '../quirks.ts'
import { hash } from '../random.ts'
import type { App } from '../token-types.ts'
import type { Tokens } from '../tokens.ts'
import { type Disorder, disturb, NO_DISORDER, setDisorder } from './disorder.ts'
import { eventsOf, testEvent } from './events.ts'
import { lookupOf } from './lookup.ts'
import { createSender } from './sender.ts'
import { DEFAULT_SENDING, type Sending, setSending } from './sending.ts'
import { createSubscriptions } from './subscriptions.ts'
import { createTally } from './tally.ts'
import type { Hooked, WebhookEvent } from './types.ts'

// Of events kept for reading.
const KEEP = 100_000
const KEEP_CHARACTERS = 100_000_000

export type Kept = { seq: number; client_id: string; event: WebhookEvent }
export type Webhooks = ReturnType<typeof createWebhooks>

/** `changed` is called when what is subscribed may have changed. */
export function createWebhooks(
  seed: number,
  clock: Clock,
  quirks: Quirks,
  tokens: Tokens,
  emitter: ChangeEmitter,
  changed: () => void,
) {
  const sending: Sending = { ...DEFAULT_SENDING }
  const disorder: Disorder = { ...NO_DISORDER }
  const tally = createTally()
  const kept = createRing<Kept>(
    KEEP,
    KEEP_CHARACTERS,
    ({ event }) => String(event.propertyValue ?? '').length,
  )
  const subscriptions = createSubscriptions(seed, clock, () => sending.settings_lag_ms, changed)
  // When an app left an account, as long as deliveries may go on after that.
  const left = new Map<string, number>()
  let made = 0
  let previousId: number | null = null

  const sender = createSender({
    seed,
    clock,
    quirks,
    sending,
    tally,
    nextId,
    targetOf(client_id) {
      const app = tokens.apps.get(client_id)
      const settings = app && subscriptions.inForce(subscriptions.of(app)).settings
      if (!settings) return null
      const { target_url, max_concurrent_requests } = settings
      return { url: target_url, secret: app.client_secret, most_in_flight: max_concurrent_requests }
    },
    reaches(client_id, portal_id) {
      const app = tokens.apps.get(client_id)
      if (!app) return false
      if (tokens.installs.of(app, portal_id).length > 0) return true
      const at = left.get(`${client_id} ${portal_id}`)
      return at !== undefined && clock.now() - at < sending.after_uninstall_ms
    },
  })

  tokens.installs.listen(({ client_id }, portal_id, installed) => {
    if (installed) left.delete(`${client_id} ${portal_id}`)
    else if (subscriptions.wanted()) left.set(`${client_id} ${portal_id}`, clock.now())
  })

  // Ten digits, in no visible order, and none twice among the first four billion.
  function nextId(): number {
    ids += 1
    return 1_000_000_000 + ((Math.imul(ids, 0x9e3779b1) ^ hash(seed, 43)) >>> 0)
  }
  let ids = 0

  // Deliveries need an authorisation by OAuth with the scope of tickets; pasted tokens get none.
  function hears(app: App, portal: Portal): boolean {
    return tokens.installs
      .of(app, portal.portal_id)
      .some((grant) => grant.scopes.includes('tickets') && !portal.removed_scopes.has('tickets'))
  }

  function tell(portal: Portal, change: ChangeEvent): void {
    const person: Actor =
      emitter.actor.sourceId === null && sending.change_source !== null
        ? { ...emitter.actor, changeSource: sending.change_source }
        : emitter.actor
    for (const hooked of subscriptions.list()) tellApp(hooked, portal, change, person)
  }

  function tellApp(hooked: Hooked, portal: Portal, change: ChangeEvent, actor: Actor): void {
    const plan = subscriptions.inForce(hooked)
    if (plan.settings === null || plan.subscriptions.size === 0 || !hears(hooked.app, portal)) return
    const { app } = hooked
    const lookup = lookupOf(plan)
    const sensitive = sending.sensitive_properties
    const making = { app_id: app.app_id, portal, actor, quirks, lookup, sensitive, nextId }
    for (const event of eventsOf(making, change)) give(app.client_id, event)
  }

  function give(client_id: string, event: WebhookEvent): void {
    made += 1
    tally.counts.made += 1
    if (sending.record) kept.push({ seq: made, client_id, event })
    if (!sending.send) return
    const parcels = disturb(disorder, made, event, previousId, nextId)
    previousId = event.eventId
    tally.counts.lost += parcels.length === 0 ? 1 : 0
    tally.counts.copied += Math.max(0, parcels.length - 1)
    for (const parcel of parcels) {
      // At once, and then in the order of the changes, whatever millisecond each was made in.
      const due_at = parcel.delay_ms === 0 ? 0 : clock.now() + parcel.delay_ms
      sender.put({ client_id, event: parcel.event, attempt: 0, due_at }, parcel.shift)
    }
  }

  return {
    subscriptions,
    sending,
    disorder,
    attempts: tally.list,
    forgetAttempts: tally.clear,
    sender,
    tell,
    /** One made-up event of each active subscription, as the Test button of an app's page sends it. */
    test(app: App, portal_id: number): number {
      const active = [...subscriptions.of(app).plan.subscriptions.values()].filter((one) => one.active)
      for (const one of active)
        give(app.client_id, testEvent(app.app_id, portal_id, one, clock.now(), quirks.webhook_type_field))
      return active.length
    },
    wanted: subscriptions.wanted,
    set(given: Record<string, unknown>): void {
      setSending(sending, given)
      changed()
      sender.pump()
    },
    disturb: (given: Record<string, unknown>) => setDisorder(disorder, given),
    calm: () => Object.assign(disorder, NO_DISORDER),
    kept({
      since = 0,
      limit = KEEP,
      portal_id,
    }: {
      since?: number
      limit?: number
      portal_id?: number
    } = {}) {
      const found: Kept[] = []
      for (const one of kept) {
        if (found.length >= limit) break
        if (one.seq > since && (portal_id === undefined || one.event.portalId === portal_id)) found.push(one)
      }
      return found
    },
    forgetKept: () => kept.clear(),
    reset(): void {
      sender.reset()
      subscriptions.clear()
      left.clear()
      tally.clear()
      kept.clear()
      Object.assign(sending, DEFAULT_SENDING)
      Object.assign(disorder, NO_DISORDER)
      made = 0
      ids = 0
      previousId = null
    },
  }
}
