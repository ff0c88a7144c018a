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

export interface RefusalLimits<R extends Refused> {
  /** @returns whether to record this one singly; otherwise it is counted */
  admit(refused: R): boolean
  /** Ends the minute. @returns the counts of the minute, one entry for each credential */
  takeCounts(): { refused: R; count: number }[]
}

const recordedOneByOne = 5
/** Credentials tracked in one minute. The rest are counted together, per chain. */
const maxCredentials = 1_000

export function createRefusalLimits<R extends Refused>(): RefusalLimits<R> {
  let minute = new Map<string, { refused: R; seen: number }>()
  return {
    admit(refused) {
      const own = `${refused.tenantId} ${refused.actor}`
      const crowded = minute.size >= maxCredentials && !minute.has(own)
      const key = crowded ? `${refused.tenantId} others` : own
      const entry = minute.get(key) ?? {
        refused: crowded ? { ...refused, actor: 'others' } : refused,
        seen: crowded ? recordedOneByOne : 0,
      }
      entry.seen += 1
      minute.set(key, entry)
      return entry.seen <= recordedOneByOne
    },
    takeCounts() {
      const entries = [...minute.values()]
      minute = new Map()
      return entries
        .filter(({ seen }) => seen > recordedOneByOne)
        .map(({ refused, seen }) => ({ refused, count: seen - recordedOneByOne }))
    },
  }
}
