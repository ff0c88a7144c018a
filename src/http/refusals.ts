/**
 * Limits the refusals that the audit log records for one credential.
 *
 * The first few of a minute are recorded one by one, the rest as a count.
 */
export interface Refused {
  /** The tenant whose chain records it; absent: the operator's chain. */
  tenantId?: string | undefined
  actor: string
}

export interface Refusals<R extends Refused> {
  /** @returns whether to record this one singly; otherwise it is counted */
  admit(refused: R): boolean
  /** Ends the minute. @returns the counts of the minute, one entry for each credential */
  takeCounts(): { refused: R; count: number }[]
}

const oneByOne = 5
/** Credentials tracked in one minute. The rest are counted together, per chain. */
const most = 1_000

export function createRefusals<R extends Refused>(): Refusals<R> {
  let minute = new Map<string, { refused: R; seen: number }>()
  return {
    admit(refused) {
      const own = `${refused.tenantId} ${refused.actor}`
      const crowded = minute.size >= most && !minute.has(own)
      const key = crowded ? `${refused.tenantId} others` : own
      const entry = minute.get(key) ?? {
        refused: crowded ? { ...refused, actor: 'others' } : refused,
        seen: crowded ? oneByOne : 0,
      }
      entry.seen += 1
      minute.set(key, entry)
      return entry.seen <= oneByOne
    },
    takeCounts() {
      const entries = [...minute.values()]
      minute = new Map()
      return entries
        .filter(({ seen }) => seen > oneByOne)
        .map(({ refused, seen }) => ({ refused, count: seen - oneByOne }))
    },
  }
}
