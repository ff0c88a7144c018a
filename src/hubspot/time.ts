/** HubSpot's times on the wire. Pure. */

/**
 * HubSpot gives ISO 8601, in places epoch milliseconds as text; both become ISO. null when it is neither, or lies
 * outside the years that PostgreSQL reads in this form (a create date is the customer's to set).
 */
export function asTime(value: unknown): string | null {
  if (typeof value !== 'string' && typeof value !== 'number') return null
  const time = new Date(/^-?\d{10,}$/.test(String(value)) ? Number(value) : value)
  const year = time.getUTCFullYear()
  return year >= 1 && year <= 9999 ? time.toISOString() : null
}
