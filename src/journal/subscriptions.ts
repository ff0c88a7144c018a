/** Subscribes to journal events of accounts that have our app, until none of ours is connected. */
import { withSystem } from '../db/scope.ts'
import { parseTenantId } from '../db/tenant-id.ts'
import { appErrorCode } from '../hubspot/as-app-error.ts'
import type { RetryLimits } from '../hubspot/client/client.ts'
import { isRefusal } from '../hubspot/journal-api.ts'
import { fullJitter } from '../lib/backoff.ts'
import { AppError } from '../lib/errors.ts'
import type { ObjectKind } from '../sync/object-kind.ts'
import type { JournalDependencies } from './read-journal.ts'
import {
  appSubscription,
  claimDueSubscriptions,
  claimEndingSubscriptions,
  deleteEndedSubscription,
  findSubscribableIntegrations,
  type Subscription,
  saveSubscriptionRequest,
} from './subscription-store.ts'

export interface SubscriptionDependencies extends JournalDependencies {
  /** The kind of object to subscribe to. */
  kind: ObjectKind
  retryLimits: RetryLimits
}

/** Per pass. What is claimed must be done within the minute of the claim. */
const maxPerPass = 12
const concurrency = 4
/**
 * A subscription may get lost, and an account may add custom properties, so each is requested again
 * after this time.
 */
const renewAfterMs = 6 * 3_600_000
const betweenFailures = { base: 5_000, cap: renewAfterMs }
/** HubSpot refuses our app itself or is unavailable, so no account is at fault. */
const appWaitMs = 30_000
/** An account's property definitions are saved only if they were read within this time. */
const freshMs = 30_000

class AppUnavailable extends Error {}

/**
 * Runs one pass: requests due subscriptions and ends those that no integration needs. Any number of
 * processes may run it.
 *
 * @throws AppUnavailable, and stops, if HubSpot refuses our app rather than an account
 */
export async function updateDueSubscriptions(
  deps: SubscriptionDependencies,
  signal: AbortSignal,
): Promise<void> {
  const { db, clientId, journal } = deps
  const ending = await withSystem(db, (scope) => claimEndingSubscriptions(scope, clientId, maxPerPass))
  await forEachSubscription(deps, ending, signal, async ({ hub_id }) => {
    await callAsApp(journal.unsubscribe(hub_id, signal))
    await withSystem(db, (scope) => deleteEndedSubscription(scope, clientId, hub_id))
  })
  const due = await withSystem(db, (scope) => claimDueSubscriptions(scope, clientId, maxPerPass))
  await forEachSubscription(deps, due, signal, async (one) => {
    await subscribe(deps, one.hub_id, signal)
    const asked = { failures: 0, code: null, waitMs: renewAfterMs }
    await withSystem(db, (scope) => saveSubscriptionRequest(scope, clientId, one, asked))
  })
}

/** @throws AppUnavailable for errors that concern our app and no account */
async function callAsApp<T>(call: Promise<T>): Promise<T> {
  try {
    return await call
  } catch (error) {
    throw isRefusal(error)
      ? error
      : new AppUnavailable('HubSpot does not currently let our app change its journal subscriptions', {
          cause: error,
        })
  }
}

async function subscribe(deps: SubscriptionDependencies, hubId: number, signal: AbortSignal): Promise<void> {
  const { journal, log } = deps
  if (hubId === appSubscription) return await callAsApp(journal.subscribeToUninstalls(signal))
  const properties = await propertiesOf(deps, hubId, signal)
  const refused = await callAsApp(journal.subscribe(hubId, properties, signal))
  if (refused.length > 0)
    log.info({ hub_id: hubId, refused }, 'HubSpot refused some webhooks journal subscriptions of an account')
}

/**
 * All properties of the account, custom ones included, from the first of its integrations that can
 * read them.
 */
async function propertiesOf(
  { db, kind, clock, retryLimits }: SubscriptionDependencies,
  hubId: number,
  signal: AbortSignal,
): Promise<readonly string[]> {
  const routes = await withSystem(db, (scope) => findSubscribableIntegrations(scope, [hubId]))
  let failure: unknown
  for (const { tenant_id, integration_id } of routes) {
    const end = clock.monotonic() + freshMs
    const maySave = async () => clock.monotonic() < end
    try {
      const ref = { tenantId: parseTenantId(tenant_id), integrationId: integration_id }
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
async function forEachSubscription(
  deps: SubscriptionDependencies,
  all: readonly Subscription[],
  signal: AbortSignal,
  work: (one: Subscription) => Promise<void>,
): Promise<void> {
  const left = [...all]
  const trouble: AppUnavailable[] = []
  const next = async (): Promise<void> => {
    for (let one = left.shift(); one && trouble.length === 0; one = left.shift()) {
      const subscription = one
      await work(one).catch(async (error: unknown) => {
        if (signal.aborted) return
        if (error instanceof AppUnavailable) trouble.push(error)
        await recordFailure(deps, subscription, error)
      })
    }
  }
  await Promise.all(Array.from({ length: concurrency }, next))
  if (trouble[0]) throw trouble[0]
}

async function recordFailure(
  { db, clientId, clock, log }: SubscriptionDependencies,
  one: Subscription,
  failure: unknown,
): Promise<void> {
  const ofApp = failure instanceof AppUnavailable
  const cause = ofApp ? failure.cause : failure
  const code = appErrorCode(cause)
  const failures = ofApp ? one.failures : one.failures + 1
  const waitMs = ofApp
    ? appWaitMs
    : betweenFailures.base + fullJitter(betweenFailures, failures, clock.random())
  if (!ofApp)
    log.warn(
      { err: failure, code, failures, hub_id: one.hub_id },
      'the webhooks journal subscription of an account could not be updated',
    )
  await withSystem(db, (scope) => saveSubscriptionRequest(scope, clientId, one, { failures, code, waitMs }))
}
