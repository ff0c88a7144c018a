/** Schemas for the fields of HubSpot's events: ids, times, and optional fields. */
import { z } from 'zod'
import { parseRecords } from './parse-records.ts'

/** HubSpot's object type id for tickets. */
export const ticketTypeId = '0-5'

/** A larger number has lost digits in JSON. */
const idNumber = z.number().int().positive().max(Number.MAX_SAFE_INTEGER)

/** Id of an account or an app: a number, or the same as text. */
export const accountId = z.union([
  idNumber,
  z
    .string()
    .regex(/^\d{1,15}$/)
    .transform(Number)
    .pipe(idNumber),
])

/** Id of a record: a number, or the same as text. */
export const recordId = z.union([idNumber, z.string().regex(/^\d{1,20}$/)]).transform(String)

/** Skips entries that are not ids. */
export const recordIds = z.array(z.unknown()).transform((list) => parseRecords(list, recordId))

/**
 * Epoch ms up to the year 9999, the last that a written date can have; or the same as text, or an
 * ISO time.
 */
export const eventTime = z
  .union([z.number(), z.string().transform((text) => (/^\d+$/.test(text) ? Number(text) : Date.parse(text)))])
  .pipe(z.number().int().positive().max(253_402_300_799_999))

/**
 * A field that an event may lack. Null or an unexpected type counts as absent: an event says which
 * record to read, and one odd field must not discard that.
 */
export const optionalField = <T>(shape: z.ZodType<T>) => shape.optional().catch(undefined)
