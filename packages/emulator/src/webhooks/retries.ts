// When a delivery that failed is tried again: ten times, spread over a day, no two events alike.
import { unit } from '../random.ts'

// Minutes between one attempt and the next. HubSpot tells only the number and the day.
const MINUTES = [1, 4, 10, 25, 60, 120, 180, 240, 300, 400]

export const MOST_RETRIES = MINUTES.length

/** How long HubSpot waits before attempt `attempt` (1 is the first retry) of the event `n`. */
export function retryDelay(
  attempt: number,
  n: number,
  { seed, jitter, compression }: { seed: number; jitter: number; compression: number },
): number {
  const minutes = MINUTES[attempt - 1] as number
  // Never so much later that ten of them leave the day.
  const spread = 1 + jitter * (unit(seed, n, attempt, 41) * 1.25 - 1)
  return (minutes * 60_000 * spread) / compression
}
