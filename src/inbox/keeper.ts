/** Keeps deliveries. What comes while others are being kept goes with the next statement: many wait for one commit, one for no other. */
import type { Database } from '../lib/db.ts'
import { withSystemOnce } from '../tenants/scope.ts'
import { type Kept, keepDeliveries, type SignedDelivery } from './store.ts'
import { whileRoutesChange } from './while-routes-change.ts'

/** Under way at once: two, so that a connection that has fallen silent does not hold up all. */
const atOnce = 2
const mostOfOne = 32

/** Resolves when it is kept: it is on the disk. @throws what the database throws; the caller's delivery is not kept then */
export type Keeper = (delivery: SignedDelivery) => Promise<Kept>

interface Waiting {
  delivery: SignedDelivery
  resolve: (kept: Kept) => void
  reject: (error: unknown) => void
}

export function createKeeper(db: Database, windowMs: number): Keeper {
  const waiting: Waiting[] = []
  let [underWay, begins] = [0, false]

  /** After all that has arrived by now was read. */
  function beginSoon(): void {
    if (begins || underWay >= atOnce) return
    begins = true
    setImmediate(() => {
      begins = false
      const group = waiting.splice(0, mostOfOne)
      underWay += 1
      void keepAll(group).finally(() => {
        underWay -= 1
        if (waiting.length > 0) beginSoon()
      })
      if (waiting.length > 0) beginSoon()
    })
  }

  const keep = (deliveries: readonly SignedDelivery[]) =>
    whileRoutesChange(() => withSystemOnce(db, (scope) => keepDeliveries(scope, deliveries, windowMs)))

  /** Never rejects. */
  async function keepAll(group: readonly Waiting[]): Promise<void> {
    try {
      const kept = await keep(group.map(({ delivery }) => delivery))
      group.forEach(({ resolve }, at) => void resolve(kept[at] as Kept))
    } catch (error) {
      const [only, ...others] = group as [Waiting, ...Waiting[]]
      if (others.length === 0) return only.reject(error)
      // It may be one of them: none pays for another.
      await Promise.all(group.map((one) => keepAll([one])))
    }
  }

  return (delivery) =>
    new Promise((resolve, reject) => {
      waiting.push({ delivery, resolve, reject })
      beginSoon()
    })
}
