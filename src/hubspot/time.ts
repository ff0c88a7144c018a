/** Parses HubSpot's times. Pure. */

/**
 * Times already in the output format, on days that every month has: a fast path, because each
 * ticket has three times.
 */
const plain = /^[1-9]\d{3}-(?:0[1-9]|1[0-2])-(?:0[1-9]|1\d|2[0-8])T(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d\.\d{3}Z$/

/** HubSpot's value for an unknown time, as in recorded records whose `createdate` was empty. */
export const unknownTime = new Date(0).toISOString()

/** null when HubSpot gave no known time. */
export function toTime(value: unknown): string | null {
  const time = parseTime(value)
  return time === unknownTime ? null : time
}

/**
 * HubSpot gives ISO 8601, or in places epoch milliseconds as text; both become ISO. Returns null
 * when it is neither, or outside the years that PostgreSQL reads in this form (customers can set a
 * create date).
 */
export function parseTime(value: unknown): string | null {
  if (typeof value === 'string' && plain.test(value)) return value
  if (typeof value !== 'string' && typeof value !== 'number') return null
  const time = new Date(/^(?:0|-?\d{10,})$/.test(String(value)) ? Number(value) : value)
  const year = time.getUTCFullYear()
  return year >= 1 && year <= 9999 ? time.toISOString() : null
}
