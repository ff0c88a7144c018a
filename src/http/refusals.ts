/** How many refusals of a credential the audit log writes down: the first few of a minute one by one, the others as a count. */
export interface Refused {
  /** Whose chain; absent: the operator's. */
  tenantId?: string | undefined
  actor: string
}

export interface Refusals<R extends Refused> {
  /** @returns whether this one is written down by itself; otherwise it is counted */
  admit(refused: R): boolean
  /** Ends the minute. @returns what was counted in it, one entry for each credential */
  takeCounts(): { refused: R; count: number }[]
}

const oneByOne = 5
/** Credentials in one minute; those beyond are counted together, for each chain. */
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
