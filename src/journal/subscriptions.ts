/** Subscribes to journal events of accounts that have our app, until none of ours is connected. */
import { withSystem } from '../db/scope.ts'
import { parseTenantId } from '../db/tenant-id.ts'
import { codeOf } from '../hubspot/as-app-error.ts'
import type { RetryLimits } from '../hubspot/client/client.ts'
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
  /** The kind of object to subscribe to. */
  kind: ObjectKind
  retryLimits: RetryLimits
}

/** Per pass. What is claimed must be done within the minute of the claim. */
const most = 12
const atOnce = 4
/**
 * A subscription may get lost, and an account may add custom properties, so each is requested again
 * after this time.
 */
const againMs = 6 * 3_600_000
const betweenFailures = { base: 5_000, cap: againMs }
/** HubSpot refuses our app itself or is unavailable, so no account is at fault. */
const appWaitMs = 30_000
/** An account's property definitions are saved only if they were read within this time. */
const freshMs = 30_000

class AppTrouble extends Error {}

/**
 * Runs one pass: requests due subscriptions and ends those that no integration needs. Any number of
 * processes may run it.
 *
 * @throws AppTrouble, and stops, if HubSpot refuses our app rather than an account
 */
export async function subscribeDue(parts: SubscribeParts, signal: AbortSignal): Promise<void> {
  const { db, clientId, journal } = parts
  const ending = await withSystem(db, (scope) => takeEnding(scope, clientId, most))
  await each(parts, ending, signal, async ({ hubId }) => {
    await asApp(journal.unsubscribe(hubId, signal))
    await withSystem(db, (scope) => keepEnded(scope, clientId, hubId))
  })
  const due = await withSystem(db, (scope) => takeSubscriptions(scope, clientId, most))
  await each(parts, due, signal, async (one) => {
    await subscribe(parts, one.hubId, signal)
    const asked = { failures: 0, code: null, waitMs: againMs }
    await withSystem(db, (scope) => keepAsked(scope, clientId, one, asked))
  })
}

/** @throws AppTrouble for errors that concern our app and no account */
async function asApp<T>(call: Promise<T>): Promise<T> {
  try {
    return await call
  } catch (error) {
    throw isRefusal(error)
      ? error
      : new AppTrouble('HubSpot does not let our app change its journal subscriptions now', { cause: error })
  }
}

async function subscribe(parts: SubscribeParts, hubId: number, signal: AbortSignal): Promise<void> {
  const { journal, log } = parts
  if (hubId === appItself) return await asApp(journal.subscribeToUninstalls(signal))
  const properties = await propertiesOf(parts, hubId, signal)
  const refused = await asApp(journal.subscribe(hubId, properties, signal))
  if (refused.length > 0)
    log.info({ hub_id: hubId, refused }, 'HubSpot refused some webhooks journal subscriptions of an account')
}

/**
 * All properties of the account, custom ones included, from the first of its integrations that can
 * read them.
 */
async function propertiesOf(
  { db, kind, clock, retryLimits }: SubscribeParts,
  hubId: number,
  signal: AbortSignal,
): Promise<readonly string[]> {
  const routes = await withSystem(db, (scope) => installsOn(scope, [hubId]))
  let failure: unknown
  for (const { tenantId, integrationId } of routes) {
    const end = clock.monotonic() + freshMs
    const maySave = async () => clock.monotonic() < end
    try {
      const ref = { tenantId: parseTenantId(tenantId), integrationId }
      return (await kind.prepare(ref, { retryLimits, signal, maySave })).properties
    } catch (error) {
      failure = error
    }
  }
  throw (
    failure ??
    new AppError(
      'integration_not_connected',
      'No integration is connected to this HubSpot account any longer',
    )
  )
}

/**
 * Works on a few subscriptions at a time. One that fails does not affect the others and is retried
 * later.
 */
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
      { err: failure, code, failures, hub_id: one.hubId },
      'the webhooks journal subscription of an account could not be updated',
    )
  await withSystem(db, (scope) => keepAsked(scope, clientId, one, { failures, code, waitMs }))
}
