// The webhooks journal of all apps: who subscribed to what, and the files that their events are written to.
import type { Clock } from '../clock.ts'
import type { ChangeEvent } from '../crm/change-events.ts'
import type { Portal } from '../portals.ts'
import type { Quirks } from '../quirks.ts'
import type { App } from '../token-types.ts'
import type { Tokens } from '../tokens.ts'
import { journalEvents, type Subscribed } from './events.ts'
import { createFiles, type Files } from './files.ts'
import { DEFAULT_JOURNAL, type JournalSettings, setJournal } from './settings.ts'
import { type Condition, type Filter, INSTALLED, type JournalSubscription, UNINSTALLED } from './types.ts'

const FIRST_ID = 4_400_000

export type Journal = ReturnType<typeof createJournal>
export type Kept = {
  subscriptions: Map<number, JournalSubscription>
  filters: Map<number, Filter>
  files: Files
}
export type GivenSubscription = Omit<JournalSubscription, 'id' | 'created_at' | 'updated_at'>

/** `changed` is called when what is subscribed may have changed. */
export function createJournal(clock: Clock, quirks: Quirks, tokens: Tokens, changed: () => void) {
  const settings: JournalSettings = { ...DEFAULT_JOURNAL }
  const kept = new Map<string, Kept & { app: App }>()
  let ids = FIRST_ID

  function of(app: App): Kept {
    const known = kept.get(app.client_id)
    if (known) return known
    const made = {
      app,
      subscriptions: new Map<number, JournalSubscription>(),
      filters: new Map<number, Filter>(),
      files: createFiles(clock, settings),
    }
    kept.set(app.client_id, made)
    return made
  }

  // A second subscription to the same of the same account changes the first.
  function upsert(app: App, given: GivenSubscription): JournalSubscription {
    const { subscriptions } = of(app)
    const now = clock.now()
    const same = [...subscriptions.values()].find(
      (one) =>
        one.type === given.type &&
        one.portal_id === given.portal_id &&
        one.object_type_id === given.object_type_id,
    )
    if (!same) ids += 1
    const made = { ...given, id: same?.id ?? ids, created_at: same?.created_at ?? now, updated_at: now }
    subscriptions.set(made.id, made)
    changed()
    return made
  }

  function remove(app: App, which: (one: JournalSubscription) => boolean): number {
    const { subscriptions, filters } = of(app)
    const gone = [...subscriptions.values()].filter(which)
    for (const { id } of gone) {
      subscriptions.delete(id)
      for (const filter of filters.values()) if (filter.subscription_id === id) filters.delete(filter.id)
    }
    changed()
    return gone.length
  }

  function addFilter(app: App, subscription_id: number, conditions: Condition[]): Filter {
    ids += 1
    const made = { id: ids, subscription_id, conditions, created_at: clock.now() }
    of(app).filters.set(made.id, made)
    return made
  }

  function tell(portal: Portal, change: ChangeEvent): void {
    for (const { app, subscriptions, filters, files } of kept.values()) {
      const subscribed: Subscribed[] = []
      for (const one of subscriptions.values())
        if (one.portal_id === portal.portal_id)
          subscribed.push({
            subscription: one,
            filters: [...filters.values()].filter((filter) => filter.subscription_id === one.id),
          })
      if (subscribed.length === 0 || !hears(app, portal)) continue
      for (const event of journalEvents(portal, quirks, subscribed, change))
        files.add(portal.portal_id, event)
    }
  }

  const hears = (app: App, portal: Portal) =>
    tokens.installs
      .of(app, portal.portal_id)
      .some((grant) => grant.scopes.includes('tickets') && !portal.removed_scopes.has('tickets'))

  tokens.installs.listen((app, portal_id, installed) => {
    const own = kept.get(app.client_id)
    if (!own) return
    const eventTypeId = installed ? INSTALLED : UNINSTALLED
    const wanted = [...own.subscriptions.values()].some(
      (one) => one.type === 'APP_LIFECYCLE_EVENT' && one.object_type_id === eventTypeId,
    )
    if (wanted)
      own.files.add(portal_id, {
        type: 'app_lifecycle_event',
        portalId: portal_id,
        occurredAt: new Date(clock.now()).toISOString(),
        action: installed ? 'APP_INSTALL' : 'APP_UNINSTALL',
        eventTypeId,
        appId: app.app_id,
      })
    if (!installed && quirks.journal_uninstall_ends_subscriptions)
      remove(app, (one) => one.portal_id === portal_id)
  })

  return {
    settings,
    set: (given: Record<string, unknown>) => setJournal(settings, given),
    of,
    upsert,
    remove,
    addFilter,
    tell,
    // Only what is about an account's records has to be watched there.
    wanted: () =>
      [...kept.values()].some((own) => [...own.subscriptions.values()].some((one) => one.portal_id !== null)),
    state: () =>
      [...kept.values()].map(({ app, subscriptions, files }) => ({
        client_id: app.client_id,
        subscriptions: subscriptions.size,
        ...files.state(),
      })),
    publish: () => {
      for (const { files } of kept.values()) files.publish()
    },
    reset(): void {
      kept.clear()
      ids = FIRST_ID
      Object.assign(settings, DEFAULT_JOURNAL)
    },
  }
}
