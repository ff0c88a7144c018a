/** Parses a HubSpot response into its expected shape. */
import type { z } from 'zod'
import type { HubSpotResponse } from './client/client.ts'
import { HubSpotError } from './hubspot-error.ts'

/** @throws HubSpotError invalid when the response does not match the schema */
export function parseResponse<T>(endpoint: string, schema: z.ZodType<T>, answer: HubSpotResponse): T {
  const read = schema.safeParse(answer.body)
  if (read.success) return read.data
  throw new HubSpotError('invalid', endpoint, { status: answer.status })
}
