/** Keeps deliveries. What comes while others are being kept goes with the next statement: many wait for one commit, one for no other. */
import type { Database } from '../db/database.ts'
import { withSystemOnce } from '../db/scope.ts'
import { AppError } from '../lib/errors.ts'
import { type Kept, keepDeliveries, type SignedDelivery } from './store.ts'
import { whileRoutesChange } from './while-routes-change.ts'

const atOnce = 2
const mostOfOne = 32
/** So long one waits for the lock of another's account; and what hangs, for whatever reason, then holds up nobody who comes later. */
const patienceMs = 250

/** Resolves when it is kept: it is on the disk. @throws what the database throws; the caller's delivery is not kept then */
export type Keeper = (delivery: SignedDelivery) => Promise<Kept>

/** Whether what failed may lie in one of the deliveries: a value (SQLSTATE 22), an integration that goes (23) or is locked (55P03). */
const mayBeOne = (error: unknown) =>
  error instanceof AppError || /^(2[23]|55P03$)/.test((error as { code?: string }).code ?? '')

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
      const done = takePlace()
      void keepAll(group).finally(done)
      if (waiting.length > 0) beginSoon()
    })
  }

  /** @returns gives the place back; it is given back anyway to who comes after when that takes long */
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
      group.forEach(({ resolve }, at) => void resolve(kept[at] as Kept))
    } catch (error) {
      // None pays for another. But where the database is in trouble, it is not asked for each once more.
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
