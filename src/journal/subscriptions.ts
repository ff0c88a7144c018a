/** Asks HubSpot to write into its journal what happens in the accounts that have our app, and no more once nobody is connected. */
import { withSystem } from '../db/scope.ts'
import { parseTenantId } from '../db/tenant-id.ts'
import { codeOf } from '../hubspot/as-app-error.ts'
import type { Patience } from '../hubspot/client/client.ts'
import { isRefusal } from '../hubspot/journal-api.ts'
import { fullJitter } from '../lib/backoff.ts'
import { AppError } from '../lib/errors.ts'
import type { ObjectKind } from '../sync/object-kind.ts'
import type { JournalParts } from './read-journal.ts'
import {
  appItself,
  installsOn,
  keepAsked,
  keepEnded,
  type Subscription,
  takeEnding,
  takeSubscriptions,
} from './subscription-store.ts'

export interface SubscribeParts extends JournalParts {
  /** What the journal is to tell of. */
  kind: ObjectKind
  patience: Patience
}

/** Of one pass: what is taken is done within the minute for which it is taken. */
const most = 12
const atOnce = 4
/** A subscription may get lost, and an account gets properties of its own: each is asked for again after so long. */
const againMs = 6 * 3_600_000
const betweenFailures = { base: 5_000, cap: againMs }
/** HubSpot refuses our app itself, or is away: that is no account's trouble. */
const appWaitMs = 30_000
/** What an account has defined is kept if it was read within so long. */
const freshMs = 30_000

class AppTrouble extends Error {}

/**
 * One pass: what is due is asked for, and what is nobody's any more is ended. Any number of processes may.
 *
 * @throws AppTrouble and asks no more, when it is not the accounts that HubSpot refuses
 */
export async function subscribeDue(parts: SubscribeParts, signal: AbortSignal): Promise<void> {
  const { db, clientId, journal } = parts
  const ending = await withSystem(db, (scope) => takeEnding(scope, clientId, most))
  await each(parts, ending, signal, async ({ portalId }) => {
    await asApp(journal.unsubscribe(portalId, signal))
    await withSystem(db, (scope) => keepEnded(scope, clientId, portalId))
  })
  const due = await withSystem(db, (scope) => takeSubscriptions(scope, clientId, most))
  await each(parts, due, signal, async (one) => {
    await subscribe(parts, one.portalId, signal)
    const asked = { failures: 0, code: null, waitMs: againMs }
    await withSystem(db, (scope) => keepAsked(scope, clientId, one, asked))
  })
}

/** @throws AppTrouble for what is said of our app and of no account */
async function asApp<T>(call: Promise<T>): Promise<T> {
  try {
    return await call
  } catch (error) {
    throw isRefusal(error)
      ? error
      : new AppTrouble('HubSpot lets our app subscribe to nothing now', { cause: error })
  }
}

async function subscribe(parts: SubscribeParts, portalId: number, signal: AbortSignal): Promise<void> {
  const { journal, log } = parts
  if (portalId === appItself) return await asApp(journal.subscribeToUninstalls(signal))
  const properties = await propertiesOf(parts, portalId, signal)
  const refused = await asApp(journal.subscribe(portalId, properties, signal))
  if (refused.length > 0)
    log.info(
      { portal_id: portalId, refused },
      'HubSpot writes not all of an account into the webhooks journal',
    )
}

/** All that the account has, custom ones too, as the first of its integrations that can say so says. */
async function propertiesOf(
  { db, kind, clock, patience }: SubscribeParts,
  portalId: number,
  signal: AbortSignal,
): Promise<readonly string[]> {
  const routes = await withSystem(db, (scope) => installsOn(scope, [portalId]))
  let failure: unknown
  for (const { tenantId, integrationId } of routes) {
    const end = clock.monotonic() + freshMs
    const mayKeep = async () => clock.monotonic() < end
    try {
      const whose = { tenantId: parseTenantId(tenantId), integrationId }
      return (await kind.prepare(whose, { patience, signal, mayKeep })).properties
    } catch (error) {
      failure = error
    }
  }
  throw failure ?? new AppError('integration_not_connected', 'Nobody is connected to the account any more')
}

/** Some at a time. One account's trouble is not the others', and is tried again later. */
async function each(
  parts: SubscribeParts,
  all: readonly Subscription[],
  signal: AbortSignal,
  work: (one: Subscription) => Promise<void>,
): Promise<void> {
  const left = [...all]
  const trouble: AppTrouble[] = []
  const next = async (): Promise<void> => {
    for (let one = left.shift(); one && trouble.length === 0; one = left.shift()) {
      const subscription = one
      await work(one).catch(async (error: unknown) => {
        if (signal.aborted) return
        if (error instanceof AppTrouble) trouble.push(error)
        await failed(parts, subscription, error)
      })
    }
  }
  await Promise.all(Array.from({ length: atOnce }, next))
  if (trouble[0]) throw trouble[0]
}

async function failed(
  { db, clientId, clock, log }: SubscribeParts,
  one: Subscription,
  failure: unknown,
): Promise<void> {
  const ofApp = failure instanceof AppTrouble
  const cause = ofApp ? failure.cause : failure
  const code = codeOf(cause)
  const failures = ofApp ? one.failures : one.failures + 1
  const waitMs = ofApp
    ? appWaitMs
    : betweenFailures.base + fullJitter(betweenFailures, failures, clock.random())
  if (!ofApp)
    log.warn(
      { err: failure, code, failures, portal_id: one.portalId },
      'the webhooks journal could not be subscribed to',
    )
  await withSystem(db, (scope) => keepAsked(scope, clientId, one, { failures, code, waitMs }))
}
