/** An answer of HubSpot's as what it should be. */
import type { z } from 'zod'
import type { Answer } from './client/client.ts'
import { HubSpotError } from './hubspot-error.ts'

/** @throws HubSpotError invalid when the answer is not of the shape */
export function readAs<T>(endpoint: string, schema: z.ZodType<T>, answer: Answer): T {
  const read = schema.safeParse(answer.body)
  if (read.success) return read.data
  throw new HubSpotError('invalid', endpoint, { status: answer.status })
}
