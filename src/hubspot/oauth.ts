/**
 * HubSpot's OAuth: authorise, exchange, refresh, revoke. Tokens travel in bodies and headers, never
 * in a URL.
 */
import { createHash } from 'node:crypto'
import { z } from 'zod'
import { Secret } from '../lib/secret.ts'
import type { Credentials, HubSpot, RetryLimits } from './client/client.ts'
import { parseResponse } from './parse-response.ts'
import { paths } from './versions.ts'

/** Our app at HubSpot, from the configuration. */
export interface OAuthApp extends Credentials {
  redirectUri: string
  /**
   * HubSpot refuses an authorisation whose scopes differ from those that the app's own settings
   * require.
   */
  requiredScopes: readonly string[]
  optionalScopes: readonly string[]
}

/**
 * A query may take `totalMs` in all. A grant is sent only once, because a second attempt might
 * invalidate the token.
 */
export const callRetryLimits = (totalMs: number): RetryLimits => ({ maxAttempts: 2, totalMs })
const grantRetryLimits = (totalMs: number): RetryLimits => ({ maxAttempts: 1, totalMs })

/**
 * The page to send a person to. The callback returns `state`; HubSpot may ignore the PKCE
 * challenge.
 */
export function authorizeUrl(
  authorizeBase: string,
  app: OAuthApp,
  state: string,
  codeVerifier: Secret,
): string {
  const url = new URL(authorizeBase)
  const challenge = createHash('sha256').update(codeVerifier.reveal()).digest('base64url')
  const parameters: Record<string, string> = {
    client_id: app.clientId,
    redirect_uri: app.redirectUri,
    scope: app.requiredScopes.join(' '),
    ...(app.optionalScopes.length > 0 ? { optional_scope: app.optionalScopes.join(' ') } : {}),
    state,
    code_challenge: challenge,
    code_challenge_method: 'S256',
  }
  // HubSpot's own clients encode the space between scopes as %20; URLSearchParams would write a
  // plus.
  url.search = Object.entries(parameters)
    .map(([name, value]) => `${name}=${encodeURIComponent(value)}`)
    .join('&')
  return url.toString()
}

const grant = z.object({
  access_token: z.string().min(1),
  refresh_token: z.string().min(1).optional(),
  expires_in: z.number().positive(),
  hub_id: z.number().int().positive().optional(),
  user_id: z.number().optional(),
  scopes: z.array(z.string()).optional(),
})

export interface Grant {
  accessToken: Secret
  /** HubSpot documents it as always present. Absent: keep the current one. */
  refreshToken: Secret | undefined
  expiresInMs: number
  hubId: number | undefined
  scopes: string[] | undefined
}

async function requestToken(
  hubspot: HubSpot,
  app: OAuthApp,
  form: Record<string, string>,
  totalMs: number,
  signal: AbortSignal,
) {
  const endpoint = 'oauth token'
  const call = {
    endpoint,
    method: 'POST' as const,
    path: paths.token,
    app,
    form,
    retryLimits: grantRetryLimits(totalMs),
    signal,
  }
  const read = parseResponse(endpoint, grant, await hubspot.call(call))
  return {
    accessToken: new Secret(read.access_token),
    refreshToken: read.refresh_token === undefined ? undefined : new Secret(read.refresh_token),
    expiresInMs: read.expires_in * 1_000,
    hubId: read.hub_id,
    scopes: read.scopes,
  } satisfies Grant
}

/**
 * @throws HubSpotError grant_refused | misconfigured | unavailable | timeout | rate_limited |
 *   invalid
 */
export async function exchangeOAuthCode(
  hubspot: HubSpot,
  app: OAuthApp,
  code: Secret,
  codeVerifier: Secret | undefined,
  totalMs: number,
  signal: AbortSignal,
): Promise<Grant> {
  return await requestToken(
    hubspot,
    app,
    {
      grant_type: 'authorization_code',
      redirect_uri: app.redirectUri,
      code: code.reveal(),
      ...(codeVerifier ? { code_verifier: codeVerifier.reveal() } : {}),
    },
    totalMs,
    signal,
  )
}

/** @throws as exchangeOAuthCode */
export async function refreshOAuthGrant(
  hubspot: HubSpot,
  app: OAuthApp,
  refreshToken: Secret,
  totalMs: number,
  signal: AbortSignal,
): Promise<Grant> {
  return await requestToken(
    hubspot,
    app,
    {
      grant_type: 'refresh_token',
      refresh_token: refreshToken.reveal(),
    },
    totalMs,
    signal,
  )
}

/**
 * Revokes a refresh token. HubSpot also returns 200 for an unknown token. Access tokens already
 * issued stay valid.
 */
export async function revokeOAuthGrant(
  hubspot: HubSpot,
  app: OAuthApp,
  refreshToken: Secret,
  totalMs: number,
  signal: AbortSignal,
): Promise<void> {
  await hubspot.call({
    endpoint: 'oauth revoke',
    method: 'POST',
    path: paths.revoke,
    bodyless: true,
    app,
    form: {
      token: refreshToken.reveal(),
      token_type_hint: 'refresh_token',
    },
    retryLimits: callRetryLimits(totalMs),
    signal,
  })
}
