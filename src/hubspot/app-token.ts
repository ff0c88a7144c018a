/** Requests a token for our app itself, for calls that concern the app and no account's data. */
import { z } from 'zod'
import { Secret } from '../lib/secret.ts'
import type { Credentials, HubSpot, RetryLimits } from './client/client.ts'
import { parseResponse } from './parse-response.ts'
import { paths } from './versions.ts'

const grant = z.object({ access_token: z.string().min(1), expires_in: z.number().positive().catch(1_800) })

export interface AppToken {
  token: Secret
  expiresInMs: number
}

/**
 * @throws HubSpotError as `HubSpot.call`; misconfigured when HubSpot gives the app no token for
 *   these scopes
 */
export async function requestAppToken(
  hubspot: HubSpot,
  app: Credentials,
  scopes: readonly string[],
  { retryLimits, signal }: { retryLimits: RetryLimits; signal: AbortSignal },
): Promise<AppToken> {
  const endpoint = 'app token'
  const form = { grant_type: 'client_credentials', scope: scopes.join(' ') }
  const answer = await hubspot.call({
    endpoint,
    method: 'POST',
    path: paths.appToken,
    app,
    form,
    retryLimits,
    signal,
  })
  const { access_token, expires_in } = parseResponse(endpoint, grant, answer)
  return { token: new Secret(access_token), expiresInMs: expires_in * 1_000 }
}
