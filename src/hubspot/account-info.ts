/** HubSpot's account info: which account a token belongs to. */
import { z } from 'zod'
import type { HubSpot, HubSpotAccess, RetryLimits } from './client/client.ts'
import { parseResponse } from './parse-response.ts'
import { paths } from './versions.ts'

const account = z
  .object({ portalId: z.number().int().positive(), uiDomain: z.string().optional() })
  .transform(({ portalId, ...rest }) => ({ hubId: portalId, ...rest }))

/**
 * The account that a token belongs to.
 *
 * @throws HubSpotError forbidden when the token lacks the scope for it
 */
export async function readAccountInfo(
  hubspot: HubSpot,
  token: HubSpotAccess['token'],
  retryLimits: RetryLimits,
  signal: AbortSignal,
) {
  const endpoint = 'account info'
  const call = { endpoint, method: 'GET' as const, path: paths.accountInfo, token, retryLimits, signal }
  return parseResponse(endpoint, account, await hubspot.call(call))
}
