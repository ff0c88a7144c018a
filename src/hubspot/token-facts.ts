/** Queries HubSpot for what a token is. Tokens travel in bodies and headers, never in a URL. */
import { z } from 'zod'
import type { Secret } from '../lib/secret.ts'
import type { HubSpot } from './client/client.ts'
import { HubSpotError, type HubSpotErrorKind } from './hubspot-error.ts'
import { callRetryLimits, type OAuthApp } from './oauth.ts'
import { parseResponse } from './parse-response.ts'
import { paths } from './versions.ts'

const introspection = z.object({
  active: z.boolean(),
  hub_id: z.number().int().positive().optional(),
  scopes: z.array(z.string()).optional(),
  expires_in: z.number().optional(),
  user: z.string().nullish(),
  hub_domain: z.string().nullish(),
})

/** What is known of a token's account. An absent field: HubSpot did not say. */
export interface TokenFacts {
  hubId?: number | undefined
  scopes?: string[] | undefined
  user?: string | undefined
  hubDomain?: string | undefined
  expiresInMs?: number | undefined
}

/**
 * Queries an access token of our own app. HubSpot's 2026-09 document promises only `active`, so
 * every other field is optional.
 *
 * @returns undefined when the token is not active (expired, revoked, or never of our app)
 */
export async function introspectToken(
  hubspot: HubSpot,
  app: OAuthApp,
  token: Secret,
  totalMs: number,
  signal: AbortSignal,
): Promise<TokenFacts | undefined> {
  const endpoint = 'oauth introspect'
  const answer = await hubspot.call({
    endpoint,
    method: 'POST',
    path: paths.introspect,
    app,
    form: {
      token: token.reveal(),
      token_type_hint: 'access_token',
    },
    retryLimits: callRetryLimits(totalMs),
    signal,
  })
  const read = parseResponse(endpoint, introspection, answer)
  if (!read.active) return undefined
  return {
    hubId: read.hub_id,
    scopes: read.scopes,
    user: read.user ?? undefined,
    hubDomain: read.hub_domain ?? undefined,
    expiresInMs: read.expires_in === undefined ? undefined : read.expires_in * 1_000,
  }
}

const staticInfo = z.object({
  hubId: z.number().int().positive(),
  userId: z.number().optional(),
  appId: z.number().optional(),
  scopes: z.array(z.string()).optional(),
})

/**
 * Queries a private-app token, a static token or a service key. Sends the Bearer header too,
 * because European accounts were seen to need it.
 *
 * @returns undefined when HubSpot knows no such static token (which says nothing about OAuth
 *   tokens)
 */
export async function staticTokenFacts(
  hubspot: HubSpot,
  token: Secret,
  totalMs: number,
  signal: AbortSignal,
): Promise<TokenFacts | undefined> {
  try {
    return await requestTokenInfo(hubspot, token, totalMs, signal)
  } catch (error) {
    if (error instanceof HubSpotError && [...unknownToken, ...noAnswer].includes(error.kind)) return undefined
    throw error
  }
}

const unknownToken: readonly HubSpotErrorKind[] = ['unauthorized', 'not_found']
const noAnswer: readonly HubSpotErrorKind[] = ['forbidden', 'rejected']

/**
 * Whether HubSpot knows a token as a static one, after refusing it elsewhere.
 *
 * @returns undefined when HubSpot does not answer the question
 * @throws HubSpotError when HubSpot cannot be reached now
 */
export async function hasStaticTokenFacts(
  hubspot: HubSpot,
  token: Secret,
  totalMs: number,
  signal: AbortSignal,
): Promise<boolean | undefined> {
  try {
    await requestTokenInfo(hubspot, token, totalMs, signal)
    return true
  } catch (error) {
    if (!(error instanceof HubSpotError)) throw error
    // A 404 page says nothing about the token: the endpoint, part of an old API, may have been
    // removed.
    if (noAnswer.includes(error.kind) || (error.kind === 'not_found' && error.isPage)) return undefined
    if (unknownToken.includes(error.kind)) return false
    throw error
  }
}

async function requestTokenInfo(hubspot: HubSpot, token: Secret, totalMs: number, signal: AbortSignal) {
  const endpoint = 'token info'
  const answer = await hubspot.call({
    endpoint,
    method: 'POST',
    path: paths.tokenInfo,
    token,
    json: { tokenKey: token.reveal() },
    retryLimits: callRetryLimits(totalMs),
    signal,
  })
  const read = parseResponse(endpoint, staticInfo, answer)
  return { hubId: read.hubId, scopes: read.scopes }
}
