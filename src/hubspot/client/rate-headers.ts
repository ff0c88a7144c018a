/** What HubSpot's answers say about its limits (X-HubSpot-RateLimit-…). Searches say nothing, OAuth nothing of the day. */

export interface RateFacts {
  /** The limit of the rolling window, and how many of it are left after this call. */
  max?: number
  left?: number
  intervalMs?: number
  /** Of the account, all private apps together; absent for OAuth. */
  dailyLimit?: number
  dailyLeft?: number
}

type Headers = Record<string, string | string[] | undefined>

const plausible = {
  max: [1, 100_000],
  left: [0, 100_000],
  intervalMs: [100, 600_000],
  dailyLimit: [1, 1e12],
  dailyLeft: [0, 1e12],
} as const

/**
 * The -Secondly headers are left out: HubSpot calls them deprecated, and they were seen to be wrong. A number that
 * cannot be a limit is treated as absent, since a budget would follow it.
 */
export function rateFacts(headers: Headers): RateFacts {
  const facts: RateFacts = {}
  const read = (fact: keyof RateFacts, name: string) => {
    const text = [headers[`x-hubspot-ratelimit-${name}`]].flat()[0]
    const value = text !== undefined && /^\d{1,12}$/.test(text) ? Number(text) : undefined
    const [least, most] = plausible[fact]
    if (value !== undefined && value >= least && value <= most) facts[fact] = value
  }
  read('max', 'max')
  read('left', 'remaining')
  read('intervalMs', 'interval-milliseconds')
  read('dailyLimit', 'daily')
  read('dailyLeft', 'daily-remaining')
  return facts
}
