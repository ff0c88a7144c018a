/** HubSpot's times on the wire. Pure. */

/** What comes out as it went in, on the days that every month has: for each ticket three times are looked at. */
const plain = /^[1-9]\d{3}-(?:0[1-9]|1[0-2])-(?:0[1-9]|1\d|2[0-8])T(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d\.\d{3}Z$/

/** So HubSpot says that it does not know, as in recorded records whose `createdate` was empty. */
export const unknownTime = new Date(0).toISOString()

/** null when HubSpot gave no time that it knows. */
export function asTime(value: unknown): string | null {
  const time = parseTime(value)
  return time === unknownTime ? null : time
}

/**
 * HubSpot gives ISO 8601, in places epoch milliseconds as text; both become ISO. null when it is neither, or lies
 * outside the years that PostgreSQL reads in this form (a create date is the customer's to set).
 */
export function parseTime(value: unknown): string | null {
  if (typeof value === 'string' && plain.test(value)) return value
  if (typeof value !== 'string' && typeof value !== 'number') return null
  const time = new Date(/^(?:0|-?\d{10,})$/.test(String(value)) ? Number(value) : value)
  const year = time.getUTCFullYear()
  return year >= 1 && year <= 9999 ? time.toISOString() : null
}
