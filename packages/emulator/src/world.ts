// The emulated world: clock, switches, accounts, apps and tokens, and what tests do to them.
import { createClock } from './clock.ts'
import { createTicketActs } from './crm/acts.ts'
import { type ChangeEvent, createChangeEmitter } from './crm/change-events.ts'
import { createSettingsActs } from './crm/settings-acts.ts'
import { createFaults } from './http/faults.ts'
import { createRates } from './http/rates.ts'
import { createRequestLog } from './http/request-log.ts'
import { createJournal } from './journal/journal.ts'
import { createPortal, type NewPortal, type Portal } from './portals.ts'
import { DEFAULT_QUIRKS, type Quirks, setQuirks } from './quirks.ts'
import type { App } from './token-types.ts'
import { createTokens } from './tokens.ts'
import { type SignInput, setWebhooks, showWebhooks, signWebhook, type WebhooksInput } from './webhooks/set.ts'
import { createWebhooks } from './webhooks/webhooks.ts'

export type World = ReturnType<typeof createWorld>

export function createWorld(seed = 1, changes: Partial<Quirks> = {}) {
  const clock = createClock()
  const quirks: Quirks = { ...DEFAULT_QUIRKS }
  changeQuirks(changes)
  const tokens = createTokens(seed, clock, quirks)
  const rates = createRates(clock, quirks)
  const faults = createFaults(seed)
  const log = createRequestLog(clock, tokens.isSecret)
  const portals = new Map<number, Portal>()
  const emitter = createChangeEmitter()
  const journal = createJournal(clock, quirks, tokens, listen)
  const webhooks = createWebhooks(seed, clock, quirks, tokens, emitter, listen)
  let places = 0

  function changeQuirks(next: Record<string, unknown>): Quirks {
    const wrong = setQuirks(quirks, next)
    if (wrong.length > 0) throw new Error(wrong.join('; '))
    return quirks
  }

  // Changes are watched only while somebody is subscribed to any.
  function listen(): void {
    emitter.emit = webhooks.wanted() || journal.wanted() ? tell : null
  }

  function tell(portal_id: number, change: ChangeEvent): void {
    const found = portals.get(portal_id)
    if (!found || found.deleted) return
    webhooks.tell(found, change)
    journal.tell(found, change)
  }

  function app(client_id: string): App {
    const found = tokens.apps.get(client_id)
    if (!found) throw new Error(`there is no app with client_id ${client_id}`)
    return found
  }

  function addPortal(input: NewPortal = {}): Portal {
    if (input.portal_id !== undefined && portals.has(input.portal_id)) {
      throw new Error(`portal ${input.portal_id} exists already`)
    }
    places += 1
    const portal = createPortal(input, places, seed, clock, quirks, emitter)
    portals.set(portal.portal_id, portal)
    return portal
  }

  function portal(portal_id: number): Portal {
    const found = portals.get(portal_id)
    if (!found) throw new Error(`there is no portal ${portal_id}`)
    return found
  }

  return {
    seed,
    clock,
    quirks,
    changeQuirks,
    tokens,
    rates,
    faults,
    log,
    emitter,
    webhooks,
    journal,
    portals,
    addPortal,
    portal,
    addApp: tokens.addApp,
    addToken: (portal_id: number, input: Parameters<typeof tokens.addToken>[1]) =>
      tokens.addToken(portal(portal_id), input),
    // As when a customer closes the account: refreshing then fails with BAD_HUB.
    deletePortal: (portal_id: number) => {
      portal(portal_id).deleted = true
    },
    appWebhooks: (client_id: string) => showWebhooks(webhooks.subscriptions, app(client_id)),
    setWebhooks: (client_id: string, input: WebhooksInput) =>
      setWebhooks(webhooks.subscriptions, app(client_id), input),
    signWebhook: (client_id: string, input: SignInput) =>
      signWebhook(webhooks.subscriptions, clock, app(client_id), input),
    ...createTicketActs(clock, portal),
    ...createSettingsActs(clock, portal),
    reset(): void {
      webhooks.reset()
      journal.reset()
      listen()
      portals.clear()
      places = 0
      tokens.clear()
      rates.clear()
      faults.clear()
      log.clear()
      clock.reset()
      Object.assign(quirks, DEFAULT_QUIRKS, changes)
    },
    // Ends what goes on by itself: deliveries under way and their timers.
    stop(): void {
      webhooks.sender.stop()
    },
  }
}
