/**
 * The webhook subscriptions that an app needs at HubSpot, for its project file and for HubSpot's
 * API.
 */
import { z } from 'zod'
import { type AppToken, requestAppToken } from './app-token.ts'
import type { HubSpot, HubSpotResponse } from './client/client.ts'
import { HubSpotError } from './hubspot-error.ts'
import type { OAuthApp } from './oauth.ts'
import { parseResponse } from './parse-response.ts'
import { paths } from './versions.ts'

/** For tickets. Property changes need one subscription for each property. */
const types = ['creation', 'deletion', 'merge', 'restore', 'associationChange'] as const
/** HubSpot sends no changes of these properties, according to its documents. */
const unsubscribable = ['hs_lastmodifieddate', 'num_unique_conversion_events']
/** How many concurrent requests HubSpot makes for one account; it accepts no value below six. */
const maxConcurrentRequests = 10

const subscribable = (properties: readonly string[]) => [
  ...new Set(properties.filter((name) => !unsubscribable.includes(name))),
]

/** The content of an app's `src/app/webhooks/webhooks-hsmeta.json`. */
export const webhookFile = (targetUrl: string, properties: readonly string[]) => ({
  uid: 'webhooks',
  type: 'webhooks',
  config: {
    settings: { targetUrl, maxConcurrentRequests },
    subscriptions: {
      crmObjects: [
        ...types.map((type) => ({ subscriptionType: `object.${type}`, objectType: 'ticket', active: true })),
        ...subscribable(properties).map((propertyName) => ({
          subscriptionType: 'object.propertyChange',
          objectType: 'ticket',
          propertyName,
          active: true,
        })),
      ],
      legacyCrmObjects: [],
      hubEvents: [],
    },
  },
})

const subscription = z.object({
  id: z.union([z.string(), z.number()]).transform(String),
  eventType: z.string(),
  propertyName: z.string().nullish(),
  active: z.boolean(),
})

const list = z.object({ results: z.array(subscription) })

const settings = z.object({
  targetUrl: z.string().nullish(),
  throttling: z.object({ maxConcurrentRequests: z.number().nullish() }).nullish(),
})

/** The app's current setup at HubSpot. */
export interface RegisteredWebhooks {
  /** undefined: the app has no settings. */
  settings: { targetUrl: string | undefined; maxConcurrentRequests: number | undefined } | undefined
  subscriptions: z.infer<typeof subscription>[]
}

/** What a registration would do. Subscriptions as `ticket.propertyChange subject`. */
export interface WebhookPlan {
  /** Current values that would be replaced, in words; empty: nothing is replaced. */
  replaced: string[]
  added: string[]
  activated: string[]
  /** Number of subscriptions that already exist and are active. */
  unchanged: number
  /** Existing subscriptions that are not ours; they stay. */
  others: string[]
}

const named = ({
  eventType,
  propertyName,
}: {
  eventType: string
  propertyName?: string | null | undefined
}) => [eventType, propertyName].filter(Boolean).join(' ')

const wantedOf = (properties: readonly string[]) => [
  ...types.map((type) => ({ eventType: `ticket.${type}` })),
  ...subscribable(properties).map((propertyName) => ({ eventType: 'ticket.propertyChange', propertyName })),
]

/** Pure. */
export function planWebhooks(
  there: RegisteredWebhooks,
  targetUrl: string,
  properties: readonly string[],
): WebhookPlan {
  const known = new Map(there.subscriptions.map((one) => [named(one), one]))
  const wanted = wantedOf(properties).map(named)
  const missing = wanted.filter((one) => !known.has(one))
  const paused = wanted.filter((one) => known.get(one)?.active === false)
  const { targetUrl: target, maxConcurrentRequests: most } = there.settings ?? {}
  return {
    replaced: [
      ...(target !== undefined && target !== targetUrl ? [`target URL ${target} with ${targetUrl}`] : []),
      ...(most !== undefined && most !== maxConcurrentRequests
        ? [`${most} concurrent requests per account with ${maxConcurrentRequests}`]
        : []),
      ...paused.map((one) => `paused subscription ${one} with an active one`),
    ],
    added: missing,
    activated: paused,
    unchanged: wanted.length - missing.length - paused.length,
    others: [...known.keys()].filter((one) => !wanted.includes(one)),
  }
}

export interface WebhookRegistration {
  read(signal: AbortSignal): Promise<RegisteredWebhooks>
  /**
   * Sets the target URL, adds missing subscriptions and activates paused ones. Other subscriptions
   * of the app stay.
   */
  apply(there: RegisteredWebhooks, signal: AbortSignal): Promise<void>
}

/**
 * For an app that is not a project, through HubSpot's API. Uses the app's own token; the
 * alternative, a developer key, would appear in the URL.
 *
 * @throws HubSpotError as `HubSpot.call`; misconfigured when HubSpot gives the app no such token
 */
export function createWebhookRegistration(
  hubspot: HubSpot,
  app: OAuthApp,
  appId: number,
  targetUrl: string,
  properties: readonly string[],
): WebhookRegistration {
  const retryLimits = { maxAttempts: 2, totalMs: 30_000 }
  const endpoint = 'app webhooks'
  let token: Promise<AppToken> | undefined

  async function call(
    signal: AbortSignal,
    method: 'GET' | 'POST' | 'PUT',
    path: string,
    json?: unknown,
  ): Promise<HubSpotResponse> {
    token ??= requestAppToken(hubspot, app, ['developers-read', 'developers-write'], { retryLimits, signal })
    return await hubspot.call({
      endpoint,
      method,
      path: `${paths.appWebhooks(appId)}${path}`,
      token: (await token).token,
      retryLimits,
      signal,
      ...(json === undefined ? {} : { json }),
    })
  }

  return {
    async read(signal) {
      const answer = await call(signal, 'GET', '/settings').catch((error: unknown) => {
        if (error instanceof HubSpotError && error.kind === 'not_found') return undefined
        throw error
      })
      const found = answer && parseResponse(endpoint, settings, answer)
      return {
        settings: found && {
          targetUrl: found.targetUrl ?? undefined,
          maxConcurrentRequests: found.throttling?.maxConcurrentRequests ?? undefined,
        },
        subscriptions: parseResponse(endpoint, list, await call(signal, 'GET', '/subscriptions')).results,
      }
    },

    async apply(there, signal) {
      if (
        there.settings?.targetUrl !== targetUrl ||
        there.settings.maxConcurrentRequests !== maxConcurrentRequests
      )
        await call(signal, 'PUT', '/settings', {
          targetUrl,
          throttling: { maxConcurrentRequests },
        })
      const known = new Map(there.subscriptions.map((one) => [named(one), one]))
      const wanted = wantedOf(properties)
      for (const one of wanted)
        if (!known.has(named(one))) await call(signal, 'POST', '/subscriptions', { ...one, active: true })
      const paused = wanted.flatMap((one) => {
        const found = known.get(named(one))
        return found && !found.active ? [found] : []
      })
      if (paused.length > 0)
        await call(signal, 'POST', '/subscriptions/batch/update', {
          inputs: paused.map(({ id }) => ({ id: Number(id), active: true })),
        })
    },
  }
}
