/** The ways to ask HubSpot what a token is. Tokens travel in bodies and headers, never in a URL. */
import { z } from 'zod'
import type { Secret } from '../lib/secret.ts'
import type { HubSpot } from './client.ts'
import { HubSpotError } from './errors.ts'
import { type App, askPatience } from './oauth.ts'
import { readAs } from './read-as.ts'
import { paths } from './versions.ts'

const introspection = z.object({
  active: z.boolean(),
  hub_id: z.number().int().positive().optional(),
  scopes: z.array(z.string()).optional(),
  expires_in: z.number().optional(),
  user: z.string().nullish(),
  hub_domain: z.string().nullish(),
})

/** What is known of a token's account. Absent: HubSpot did not say. */
export interface TokenFacts {
  portalId?: number | undefined
  scopes?: string[] | undefined
  user?: string | undefined
  hubDomain?: string | undefined
  expiresInMs?: number | undefined
}

/**
 * Asks about an access token of our own app. HubSpot's 2026-09 document promises no more than `active`, so every
 * other fact is optional.
 *
 * @returns undefined when the token is not active (expired, revoked, or never of our app)
 */
export async function introspect(
  hubspot: HubSpot,
  app: App,
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
    patience: askPatience(totalMs),
    signal,
  })
  const read = readAs(endpoint, introspection, answer)
  if (!read.active) return undefined
  return {
    portalId: read.hub_id,
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
 * Asks about a private-app token, a static token or a service key. The Bearer header goes along because European
 * accounts were seen to need it.
 *
 * @returns undefined when HubSpot knows no such static token (which says nothing about OAuth tokens)
 */
export async function staticTokenFacts(
  hubspot: HubSpot,
  token: Secret,
  totalMs: number,
  signal: AbortSignal,
): Promise<TokenFacts | undefined> {
  const endpoint = 'token info'
  try {
    const answer = await hubspot.call({
      endpoint,
      method: 'POST',
      path: paths.tokenInfo,
      token,
      json: { tokenKey: token.reveal() },
      patience: askPatience(totalMs),
      signal,
    })
    const read = readAs(endpoint, staticInfo, answer)
    return { portalId: read.hubId, scopes: read.scopes }
  } catch (error) {
    const unknown =
      error instanceof HubSpotError &&
      ['unauthorized', 'forbidden', 'not_found', 'rejected'].includes(error.kind)
    if (unknown) return undefined
    throw error
  }
}
