/** Polls for due endpoints several times a second; one that hangs delays only itself. */
import { withSystemStatement } from '../db/scope.ts'
import { parseTenantId } from '../db/tenant-id.ts'
import { isTenantErasing } from '../lib/errors.ts'
import { findDueEndpoints } from '../outbox/delivery-store.ts'
import { type SenderDependencies, sendToEndpoint } from '../outbox/sender.ts'
import { type Cooldowns, createCooldowns, pollUntil } from './poll.ts'
import type { PollPeriods } from './poll-periods.ts'

/** Endpoints per process. Most of the time they wait for their receivers. */
const maxEndpoints = 32
/** Cooldown of an endpoint whose sending failed unexpectedly, so that others can run. */
const cooldownMs = 5_000
/** Endpoints per tenant, so that one tenant's receivers that hang do not block other tenants. */
const maxEndpointsPerTenant = 4
const idleMs = 1_000

/** Runs until the signal aborts, and returns when the sends in progress have ended. */
export async function runWebhookSender(
  deps: SenderDependencies & { polls: PollPeriods },
  signal: AbortSignal,
): Promise<void> {
  const { clock, log } = deps
  const running = new Map<string, Promise<void>>()
  const cooldowns = createCooldowns(clock)
  const pollOnce = () =>
    pollEndpoints(deps, running, cooldowns, signal).catch((err: unknown) =>
      log.warn({ err }, 'the outbox could not be polled'),
    )
  await pollUntil(clock, deps.polls.outboxMs, pollOnce, signal)
  await Promise.all(running.values())
}

async function pollEndpoints(
  deps: SenderDependencies,
  running: Map<string, Promise<void>>,
  cooldowns: Cooldowns,
  signal: AbortSignal,
): Promise<void> {
  if (running.size >= maxEndpoints) return
  const atMost = 2 * maxEndpoints + running.size + cooldowns.size()
  const due = await withSystemStatement(deps.db, (scope) =>
    findDueEndpoints(scope, { atMost, withProduct: deps.product !== undefined }),
  )
  const ofTenant = (id: string) => [...running.keys()].filter((key) => key.startsWith(id)).length
  for (const { tenantId, endpointId } of due) {
    if (signal.aborted || running.size >= maxEndpoints) return
    const key = `${tenantId} ${endpointId}`
    if (running.has(key) || cooldowns.isCoolingDown(key) || ofTenant(tenantId) >= maxEndpointsPerTenant)
      continue
    const done = sendToEndpoint(deps, parseTenantId(tenantId), endpointId, signal)
      .then((taken) => {
        // Everything due waits for an earlier delivery, which has its own time.
        if (taken === 0) cooldowns.start(key, idleMs)
      })
      .catch((err: unknown) => {
        cooldowns.start(key, cooldownMs)
        if (!isTenantErasing(err))
          deps.log.error(
            { err, tenant_id: tenantId, endpoint_id: endpointId },
            'sending to an endpoint failed',
          )
      })
      .finally(() => running.delete(key))
    running.set(key, done)
  }
}
