/**
 * Finds due work and runs it, some at a time. Rows say what is due, so nothing can get lost. One
 * statement finds the work of all sources: an idle process costs one short transaction per poll. Each
 * item is claimed in its own tenant's scope when it runs, so any number of processes may poll.
 */
import type { RawBuilder } from 'kysely'
import type { AnyWorkSource, WorkSource } from '../api/feature.ts'
import type { Database } from '../db/database.ts'
import { withSystemStatement } from '../db/scope.ts'
import { selectTogether } from '../db/select-together.ts'
import { isTenantErasing } from '../lib/errors.ts'
import { type Bell, type LoopDependencies, runLoop } from './loop.ts'

/** How long an item that failed unexpectedly is left alone, so that others can run. */
const cooldownMs = 5_000
/** Items that one poll finds for a source. When one ends, the next starts without another poll. */
const foundAtOnce = 48
/** Polls use at most this share of the time, however long one takes. */
const maxLoadShare = 0.1

export interface DueWorkDependencies extends LoopDependencies {
  db: Database
  /** Rung when there may be work before the next poll. */
  bell: Bell
}

/**
 * Polls until the signal aborts, and returns when the work in progress has ended.
 *
 * @param everyMs between two polls
 */
export async function runDueWork(
  deps: DueWorkDependencies,
  sources: readonly AnyWorkSource[],
  everyMs: number,
  signal: AbortSignal,
): Promise<void> {
  const { db, clock, bell } = deps
  const pools = sources.map((source) => createPool(deps, source, signal))
  let lastPollMs = 0
  const pass = async () => {
    const began = clock.monotonic()
    const wanted = pools.flatMap((pool) => {
      const expression = pool.find(lastPollMs)
      return expression ? [[pool.name, expression] as const] : []
    })
    if (wanted.length > 0) {
      const found = await withSystemStatement(db, ({ query }) =>
        selectTogether(query, Object.fromEntries(wanted)),
      )
      lastPollMs = clock.monotonic() - began
      for (const pool of pools) pool.offer(found[pool.name])
    }
    await clock.sleep(lastPollMs / maxLoadShare, signal).catch(() => {})
    await bell.wait(Math.max(0, everyMs - lastPollMs / maxLoadShare), signal)
    return 'again'
  }
  await runLoop(deps, { name: 'due_work', everyMs, pass }, signal)
  await Promise.all(pools.map((pool) => pool.ended()))
}

/** The items of one source: those that run, and those that were found and wait for room. */
function createPool<Item>(
  { clock, log, bell }: DueWorkDependencies,
  source: WorkSource<Item>,
  signal: AbortSignal,
) {
  const { name } = source
  const running = new Map<string, { tenant: string; done: Promise<void> }>()
  /** Ends of the cooldowns, by key. */
  const cooldowns = new Map<string, number>()
  let waiting: Item[] = []
  let more = false
  let limit = 0

  const runningOf = (tenant: string) => [...running.values()].filter((one) => one.tenant === tenant).length
  const tenantsAtLimit = () =>
    [...new Set([...running.values()].map(({ tenant }) => tenant))].filter(
      (tenant) => runningOf(tenant) >= source.perTenant,
    )

  async function runOne(item: Item): Promise<number> {
    try {
      return await source.run(item, signal)
    } catch (err) {
      // A failure of one tenant does not affect the others.
      if (!isTenantErasing(err) && !signal.aborted)
        log.error(
          { err, tenant_id: source.tenantOf(item), work: name },
          'due work failed and will be retried',
        )
      return cooldownMs
    }
  }

  /** Starts what there is room for; each item that ends makes room for the next. */
  function start(): void {
    while (!signal.aborted && running.size < limit) {
      const item = waiting.shift()
      if (item === undefined) break
      const [key, tenant] = [source.keyOf(item), source.tenantOf(item)]
      if (running.has(key) || cooldowns.has(key) || runningOf(tenant) >= source.perTenant) continue
      const done = runOne(item).then((restMs) => {
        if (restMs > 0) cooldowns.set(key, clock.monotonic() + restMs)
        running.delete(key)
        start()
        if (waiting.length === 0 && more) bell.ring()
      })
      running.set(key, { tenant, done })
    }
  }

  return {
    name,
    /** @returns undefined while there is no room, and it is known that some wait */
    find(lastPollMs: number): RawBuilder<unknown> | undefined {
      limit = source.limit({ someWait: waiting.length > 0, lastPollMs })
      for (const [key, end] of cooldowns) if (end <= clock.monotonic()) cooldowns.delete(key)
      if (running.size >= limit && waiting.length > 0) return undefined
      // Those that run or rest may be found again.
      const atMost = foundAtOnce + running.size + cooldowns.size
      return source.find({ atMost, except: tenantsAtLimit() })
    },
    /** @param found undefined: nothing was looked for */
    offer(found: unknown): void {
      if (found === undefined) return
      const read = source.read(found)
      waiting = read.items
      more = read.more
      start()
      if (more && running.size < limit) bell.ring()
    },
    ended: () => Promise.all([...running.values()].map(({ done }) => done)),
  }
}
