/** HubSpot's OAuth, and the ways to ask what a token is. Tokens travel in bodies and headers, never in a URL. */
import { createHash } from 'node:crypto'
import { z } from 'zod'
import { Secret } from '../lib/secret.ts'
import type { Answer, HubSpot, Patience } from './client.ts'
import { HubSpotError } from './errors.ts'
import { paths } from './versions.ts'

/** Our app at HubSpot, from the configuration. */
export interface App {
  clientId: string
  clientSecret: Secret
  redirectUri: string
  optionalScopes: readonly string[]
}

/** What Spoke cannot work without. `tickets` is the only ticket scope HubSpot's documentation is sure of. */
export const requiredScopes = ['oauth', 'tickets', 'crm.objects.owners.read'] as const

/** Whoever asks waits in all this long at most; a grant is sent once, because a second try might burn the token. */
const askPatience = (totalMs: number): Patience => ({ tries: 2, totalMs })
const grantPatience = (totalMs: number): Patience => ({ tries: 1, totalMs })

/** The page to send a person to. `state` comes back on the callback; the PKCE challenge is an extra HubSpot may ignore. */
export function authorizeUrl(authorizeBase: string, app: App, state: string, codeVerifier: Secret): string {
  const url = new URL(authorizeBase)
  const challenge = createHash('sha256').update(codeVerifier.reveal()).digest('base64url')
  const parameters: Record<string, string> = {
    client_id: app.clientId,
    redirect_uri: app.redirectUri,
    scope: requiredScopes.join(' '),
    ...(app.optionalScopes.length > 0 ? { optional_scope: app.optionalScopes.join(' ') } : {}),
    state,
    code_challenge: challenge,
    code_challenge_method: 'S256',
  }
  // HubSpot's own clients write the space between scopes as %20, which URLSearchParams would write as a plus.
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
  /** HubSpot documents it as always present; absent means: keep the one we have. */
  refreshToken: Secret | undefined
  expiresInMs: number
  portalId: number | undefined
  scopes: string[] | undefined
}

async function askToken(
  hubspot: HubSpot,
  form: Record<string, string>,
  totalMs: number,
  signal: AbortSignal,
) {
  const endpoint = 'oauth token'
  const call = {
    endpoint,
    method: 'POST' as const,
    path: paths.token,
    form,
    patience: grantPatience(totalMs),
    signal,
  }
  const read = readAs(endpoint, grant, await hubspot.call(call))
  return {
    accessToken: new Secret(read.access_token),
    refreshToken: read.refresh_token === undefined ? undefined : new Secret(read.refresh_token),
    expiresInMs: read.expires_in * 1_000,
    portalId: read.hub_id,
    scopes: read.scopes,
  } satisfies Grant
}

/** @throws HubSpotError grant_refused | misconfigured | unavailable | timeout | rate_limited | invalid */
export async function exchangeCode(
  hubspot: HubSpot,
  app: App,
  code: Secret,
  codeVerifier: Secret | undefined,
  totalMs: number,
  signal: AbortSignal,
): Promise<Grant> {
  return await askToken(
    hubspot,
    {
      grant_type: 'authorization_code',
      client_id: app.clientId,
      client_secret: app.clientSecret.reveal(),
      redirect_uri: app.redirectUri,
      code: code.reveal(),
      ...(codeVerifier ? { code_verifier: codeVerifier.reveal() } : {}),
    },
    totalMs,
    signal,
  )
}

/** @throws as exchangeCode */
export async function refreshGrant(
  hubspot: HubSpot,
  app: App,
  refreshToken: Secret,
  totalMs: number,
  signal: AbortSignal,
): Promise<Grant> {
  return await askToken(
    hubspot,
    {
      grant_type: 'refresh_token',
      client_id: app.clientId,
      client_secret: app.clientSecret.reveal(),
      refresh_token: refreshToken.reveal(),
    },
    totalMs,
    signal,
  )
}

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
    form: {
      client_id: app.clientId,
      client_secret: app.clientSecret.reveal(),
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

/** Ends a refresh token. HubSpot answers 200 also for one it does not know; access tokens already out live on. */
export async function revoke(
  hubspot: HubSpot,
  app: App,
  refreshToken: Secret,
  totalMs: number,
  signal: AbortSignal,
): Promise<void> {
  await hubspot.call({
    endpoint: 'oauth revoke',
    method: 'POST',
    path: paths.revoke,
    bodyless: true,
    form: {
      client_id: app.clientId,
      client_secret: app.clientSecret.reveal(),
      token: refreshToken.reveal(),
      token_type_hint: 'refresh_token',
    },
    patience: askPatience(totalMs),
    signal,
  })
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

/** @throws HubSpotError invalid when the answer is not of the shape */
export function readAs<T>(endpoint: string, schema: z.ZodType<T>, answer: Answer): T {
  const read = schema.safeParse(answer.body)
  if (read.success) return read.data
  throw new HubSpotError('invalid', endpoint, { status: answer.status })
}
