/**
 * Parses the limits in HubSpot's responses (X-HubSpot-RateLimit-…). Searches report none, OAuth no
 * daily limit.
 */

export interface RateFacts {
  /** The limit of the rolling window, and how many calls are left in it after this one. */
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
 * Ignores the -Secondly headers: HubSpot calls them deprecated, and they were seen to be wrong. An
 * implausible number counts as absent, because a budget would follow it.
 */
export function parseRateHeaders(headers: Headers): RateFacts {
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
