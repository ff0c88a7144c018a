/** HubSpot's ids and times, as its events write them. */
import { z } from 'zod'

/** HubSpot's own id of the kind of object that tickets are. */
export const ticketTypeId = '0-5'

/** HubSpot counts accounts, apps and records in numbers; a larger one has lost digits on the way through JSON. */
export const accountId = z.number().int().positive().max(Number.MAX_SAFE_INTEGER)

export const recordId = z.union([accountId, z.string().regex(/^\d{1,20}$/)]).transform(String)

/** Epoch ms, up to the year 9999, which is as far as a written date goes. */
export const epochMs = z.number().int().positive().max(253_402_300_799_999)
