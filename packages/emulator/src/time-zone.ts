// What time it is in an account's own time zone: its days decide when the daily count starts again.

/** By time zone: making one costs far more than using it. */
const formats = new Map<string, Intl.DateTimeFormat>()

function formatOf(timeZone: string): Intl.DateTimeFormat {
  const known = formats.get(timeZone)
  if (known) return known
  const made = new Intl.DateTimeFormat('en-US', { timeZone, timeZoneName: 'longOffset' })
  formats.set(timeZone, made)
  return made
}

export function offsetMinutes(timeZone: string, now: number): number {
  const text = formatOf(timeZone).format(now)
  const found = /GMT([+-])(\d{2}):(\d{2})/.exec(text)
  return found ? (found[1] === '-' ? -1 : 1) * (Number(found[2]) * 60 + Number(found[3])) : 0
}

export function localDay(timeZone: string, now: number): string {
  return new Date(now + offsetMinutes(timeZone, now) * 60_000).toISOString().slice(0, 10)
}

export function nextMidnight(timeZone: string, now: number): number {
  const offset = offsetMinutes(timeZone, now) * 60_000
  return (Math.floor((now + offset) / 86_400_000) + 1) * 86_400_000 - offset
}
