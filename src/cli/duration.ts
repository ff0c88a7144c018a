/** Durations as the command line takes them. */
import { InvalidArgumentError } from 'commander'

const units = { s: 1, m: 60, h: 3_600, d: 86_400 }

/** `90d`, `12h`: in seconds, the API's unit. */
export function seconds(text: string): number {
  const [, count, unit] = /^(\d{1,9})([smhd])$/.exec(text) ?? []
  if (!count || !unit) throw new InvalidArgumentError('It must be a duration such as 90d, 12h, 30m or 0s.')
  return Number(count) * units[unit as keyof typeof units]
}
