/** Stores webhook deliveries in groups that share one commit; a single one does not wait. */
import type { Database } from '../db/database.ts'
import { withSystemOnce } from '../db/scope.ts'
import { AppError } from '../lib/errors.ts'
import { keepDeliveries, type SignedDelivery, type StoredChanges } from './store.ts'
import { whileRoutesChange } from './while-routes-change.ts'

const atOnce = 2
const mostOfOne = 32
/**
 * How long a group waits for the lock of an account. A write that takes longer, for whatever
 * reason, also gives up its slot, so that it does not delay later deliveries.
 */
const patienceMs = 250

/**
 * Resolves when the delivery is durably stored.
 *
 * @throws what the database throws; the delivery is not stored then
 */
export type Keeper = (delivery: SignedDelivery) => Promise<StoredChanges>

/**
 * Whether one of the deliveries may be the cause: a value (SQLSTATE 22), or an integration that is
 * being deleted (23) or is locked (55P03).
 */
const mayBeOne = (error: unknown) =>
  error instanceof AppError || /^(2[23]|55P03$)/.test((error as { code?: string }).code ?? '')

interface Waiting {
  delivery: SignedDelivery
  resolve: (kept: StoredChanges) => void
  reject: (error: unknown) => void
}

export function createKeeper(db: Database, windowMs: number): Keeper {
  const waiting: Waiting[] = []
  let [underWay, begins] = [0, false]

  /** Starts a write after everything that has arrived by now is read. */
  function beginSoon(): void {
    if (begins || underWay >= atOnce) return
    begins = true
    setImmediate(() => {
      begins = false
      const group = waiting.splice(0, mostOfOne)
      const done = takePlace()
      void keepAll(group).finally(done)
      if (waiting.length > 0) beginSoon()
    })
  }

  /** @returns releases the slot; if the write takes long, a timer releases it earlier */
  function takePlace(): () => void {
    underWay += 1
    let isTaken = true
    const give = () => {
      clearTimeout(long)
      if (!isTaken) return
      isTaken = false
      underWay -= 1
      if (waiting.length > 0) beginSoon()
    }
    const long = setTimeout(give, patienceMs)
    return give
  }

  const keep = (deliveries: readonly SignedDelivery[]) => {
    const how = deliveries.length > 1 ? { lockMs: patienceMs } : {}
    return whileRoutesChange(() =>
      withSystemOnce(db, (scope) => keepDeliveries(scope, deliveries, windowMs), how),
    )
  }

  /** Never rejects. */
  async function keepAll(group: readonly Waiting[]): Promise<void> {
    try {
      const kept = await keep(group.map(({ delivery }) => delivery))
      group.forEach(({ resolve }, at) => void resolve(kept[at] as StoredChanges))
    } catch (error) {
      // Retry each delivery alone, so that none fails because of another; but not while the
      // database itself is in trouble.
      if (group.length > 1 && mayBeOne(error)) await Promise.all(group.map((one) => keepAll([one])))
      else for (const { reject } of group) reject(error)
    }
  }

  return (delivery) =>
    new Promise((resolve, reject) => {
      waiting.push({ delivery, resolve, reject })
      beginSoon()
    })
}
