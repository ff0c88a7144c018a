/** Fields of HubSpot's events: ids, times, and what may be missing. */
import { z } from 'zod'
import { readEach } from './read-each.ts'

/** HubSpot's own id of the kind of object that tickets are. */
export const ticketTypeId = '0-5'

/** A larger one has lost digits on the way through JSON. */
const idNumber = z.number().int().positive().max(Number.MAX_SAFE_INTEGER)

/** Of an account or an app: a number, or the same as text. */
export const accountId = z.union([
  idNumber,
  z
    .string()
    .regex(/^\d{1,15}$/)
    .transform(Number)
    .pipe(idNumber),
])

/** Of a record: a number, or the same as text. */
export const recordId = z.union([idNumber, z.string().regex(/^\d{1,20}$/)]).transform(String)

/** What is no id in the list is left out. */
export const recordIds = z.array(z.unknown()).transform((list) => readEach(list, recordId))

/** Epoch ms, up to the year 9999, which is as far as a written date goes; or the same as text, or an ISO time. */
export const eventTime = z
  .union([z.number(), z.string().transform((text) => (/^\d+$/.test(text) ? Number(text) : Date.parse(text)))])
  .pipe(z.number().int().positive().max(253_402_300_799_999))

/**
 * A field that an event may lack. Null, or another type than expected, is the same as absent: an event says which record to
 * read, and one odd field must not discard that.
 */
export const optionalField = <T>(shape: z.ZodType<T>) => shape.optional().catch(undefined)
