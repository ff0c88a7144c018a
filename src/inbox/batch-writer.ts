/** Stores webhook deliveries in groups that share one commit; a single one does not wait. */
import type { Database } from '../db/database.ts'
import { withSystemStatement } from '../db/scope.ts'
import { AppError } from '../lib/errors.ts'
import { retryOnDeletedIntegration } from './retry-on-deleted-integration.ts'
import { type EnqueueResult, enqueueDeliveries, type SignedDelivery } from './store.ts'

const maxWrites = 2
const maxBatchSize = 32
/**
 * How long a group waits for the lock of an account. A write that takes longer, for whatever
 * reason, also gives up its slot, so that it does not delay later deliveries.
 */
const maxLockWaitMs = 250

/**
 * Resolves when the delivery is durably stored.
 *
 * @throws what the database throws; the delivery is not stored then
 */
export type InboxBatchWriter = (delivery: SignedDelivery) => Promise<EnqueueResult>

/**
 * Whether one of the deliveries may be the cause: a value (SQLSTATE 22), or an integration that is
 * being deleted (23) or is locked (55P03).
 */
const isDeliveryFault = (error: unknown) =>
  error instanceof AppError || /^(2[23]|55P03$)/.test((error as { code?: string }).code ?? '')

interface WaitingDelivery {
  delivery: SignedDelivery
  resolve: (stored: EnqueueResult) => void
  reject: (error: unknown) => void
}

export function createInboxBatchWriter(db: Database, windowMs: number): InboxBatchWriter {
  const waiting: WaitingDelivery[] = []
  let [writing, scheduled] = [0, false]

  /** Starts a write after everything that has arrived by now is read. */
  function scheduleWrite(): void {
    if (scheduled || writing >= maxWrites) return
    scheduled = true
    setImmediate(() => {
      scheduled = false
      const batch = waiting.splice(0, maxBatchSize)
      const done = takeSlot()
      void writeBatch(batch).finally(done)
      if (waiting.length > 0) scheduleWrite()
    })
  }

  /** @returns releases the slot; if the write takes long, a timer releases it earlier */
  function takeSlot(): () => void {
    writing += 1
    let isTaken = true
    const release = () => {
      clearTimeout(timer)
      if (!isTaken) return
      isTaken = false
      writing -= 1
      if (waiting.length > 0) scheduleWrite()
    }
    const timer = setTimeout(release, maxLockWaitMs)
    return release
  }

  const write = (deliveries: readonly SignedDelivery[]) => {
    const options = deliveries.length > 1 ? { lockMs: maxLockWaitMs } : {}
    return retryOnDeletedIntegration(() =>
      withSystemStatement(db, (scope) => enqueueDeliveries(scope, deliveries, windowMs), options),
    )
  }

  /** Never rejects. */
  async function writeBatch(batch: readonly WaitingDelivery[]): Promise<void> {
    try {
      const stored = await write(batch.map(({ delivery }) => delivery))
      batch.forEach(({ resolve }, at) => void resolve(stored[at] as EnqueueResult))
    } catch (error) {
      // Retry each delivery alone, so that none fails because of another; but not while the
      // database itself is in trouble.
      if (batch.length > 1 && isDeliveryFault(error)) await Promise.all(batch.map((one) => writeBatch([one])))
      else for (const { reject } of batch) reject(error)
    }
  }

  return (delivery) =>
    new Promise((resolve, reject) => {
      waiting.push({ delivery, resolve, reject })
      scheduleWrite()
    })
}
