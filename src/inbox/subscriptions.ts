/** Asks HubSpot to write into its journal what happens in the accounts that have our app, and no more once nobody is connected. */
import { asAppError } from '../hubspot/as-app-error.ts'
import type { Patience } from '../hubspot/client.ts'
import { HubSpotError } from '../hubspot/errors.ts'
import { fullJitter } from '../lib/backoff.ts'
import { chunks } from '../lib/chunks.ts'
import { AppError } from '../lib/errors.ts'
import type { ObjectKind } from '../sync/object-kind.ts'
import { withSystem } from '../tenants/scope.ts'
import { parseTenantId } from '../tenants/tenant.ts'
import type { JournalParts } from './journal.ts'
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

const most = 40
const atOnce = 4
/** A subscription may get lost, and an account gets properties of its own: each is asked for again after so long. */
const againMs = 6 * 3_600_000
const betweenFailures = { base: 5_000, cap: againMs }
/** What an account has defined is kept if it was read within so long. */
const freshMs = 30_000

/** One pass: what is due is asked for, and what is nobody's any more is ended. Any number of processes may. */
export async function subscribeDue(parts: SubscribeParts, signal: AbortSignal): Promise<void> {
  const { db, clientId, journal } = parts
  const ending = await withSystem(db, (scope) => takeEnding(scope, clientId, most))
  for (const some of chunks(ending, atOnce))
    await Promise.all(
      some.map((one) =>
        told(parts, one, signal, async () => {
          await journal.unsubscribe(one.portalId, signal)
          await withSystem(db, (scope) => keepEnded(scope, clientId, one.portalId))
        }),
      ),
    )
  const due = await withSystem(db, (scope) => takeSubscriptions(scope, clientId, most))
  for (const some of chunks(due, atOnce))
    await Promise.all(
      some.map((one) =>
        told(parts, one, signal, async () => {
          await subscribe(parts, one.portalId, signal)
          const asked = { failures: 0, code: null, waitMs: againMs }
          await withSystem(db, (scope) => keepAsked(scope, clientId, one.portalId, asked))
        }),
      ),
    )
}

async function subscribe(parts: SubscribeParts, portalId: number, signal: AbortSignal): Promise<void> {
  const { journal } = parts
  if (portalId === appItself) return await journal.subscribeToUninstalls(signal)
  await journal.subscribe(portalId, await propertiesOf(parts, portalId, signal), signal)
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

/** One account's trouble is not the others', and is tried again later. */
async function told(
  { db, clientId, clock, log }: SubscribeParts,
  { portalId, failures: before }: Subscription,
  signal: AbortSignal,
  work: () => Promise<void>,
): Promise<void> {
  try {
    await work()
  } catch (err) {
    if (signal.aborted) return
    const error = asAppError(err)
    const code = error instanceof AppError ? error.code : 'internal'
    const failures = before + 1
    const asked = err instanceof HubSpotError ? err.retryAfterMs : undefined
    const waitMs = asked ?? betweenFailures.base + fullJitter(betweenFailures, failures, clock.random())
    log.warn({ err, code, failures, portal_id: portalId }, 'the webhooks journal could not be subscribed to')
    await withSystem(db, (scope) => keepAsked(scope, clientId, portalId, { failures, code, waitMs }))
  }
}
