/** What an app must subscribe to at HubSpot, as its project file says it and as its API takes it. */
import { z } from 'zod'
import { type AppToken, askAppToken } from './app-token.ts'
import type { Answer, HubSpot } from './client/client.ts'
import { HubSpotError } from './hubspot-error.ts'
import type { App } from './oauth.ts'
import { readAs } from './read-as.ts'
import { paths } from './versions.ts'

/** Of tickets; a change of a property is one subscription for each property. */
const types = ['creation', 'deletion', 'merge', 'restore', 'associationChange'] as const
/** HubSpot sends no changes of these, as its documents say. */
const silent = ['hs_lastmodifieddate', 'num_unique_conversion_events']
/** Requests that HubSpot makes at once for one account; it takes no fewer than six. */
const atOnce = 10

const subscribable = (properties: readonly string[]) => [
  ...new Set(properties.filter((name) => !silent.includes(name))),
]

/** The content of an app's `src/app/webhooks/webhooks-hsmeta.json`. */
export const webhookFile = (targetUrl: string, properties: readonly string[]) => ({
  uid: 'webhooks',
  type: 'webhooks',
  config: {
    settings: { targetUrl, maxConcurrentRequests: atOnce },
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

/** What the app has at HubSpot. */
export interface Registered {
  /** undefined: it has no settings. */
  settings: { targetUrl: string | undefined; atOnce: number | undefined } | undefined
  subscriptions: z.infer<typeof subscription>[]
}

/** What a registration would do. Subscriptions as `ticket.propertyChange subject`. */
export interface Plan {
  /** What is there now and would be another, in words; empty: nothing is replaced. */
  replaced: string[]
  added: string[]
  activated: string[]
  /** Are there already, and active. */
  kept: number
  /** Are there, and none of ours: they stay. */
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
export function planOf(there: Registered, targetUrl: string, properties: readonly string[]): Plan {
  const known = new Map(there.subscriptions.map((one) => [named(one), one]))
  const wanted = wantedOf(properties).map(named)
  const missing = wanted.filter((one) => !known.has(one))
  const paused = wanted.filter((one) => known.get(one)?.active === false)
  const { targetUrl: target, atOnce: most } = there.settings ?? {}
  return {
    replaced: [
      ...(target !== undefined && target !== targetUrl ? [`target URL ${target} by ${targetUrl}`] : []),
      ...(most !== undefined && most !== atOnce
        ? [`${most} concurrent requests for an account by ${atOnce}`]
        : []),
      ...paused.map((one) => `paused subscription ${one} by an active one`),
    ],
    added: missing,
    activated: paused,
    kept: wanted.length - missing.length - paused.length,
    others: [...known.keys()].filter((one) => !wanted.includes(one)),
  }
}

export interface Registration {
  read(signal: AbortSignal): Promise<Registered>
  /** Sets where HubSpot sends, adds what is missing and activates what is paused. What else the app has subscribed to stays. */
  apply(there: Registered, signal: AbortSignal): Promise<void>
}

/**
 * For an app that is not a project, through HubSpot's API. The app shows its own token; HubSpot's other way, a developer key,
 * would stand in the URL.
 *
 * @throws HubSpotError as `HubSpot.call`; misconfigured when HubSpot gives the app no such token
 */
export function createRegistration(
  hubspot: HubSpot,
  app: App,
  appId: number,
  targetUrl: string,
  properties: readonly string[],
): Registration {
  const patience = { tries: 2, totalMs: 30_000 }
  const endpoint = 'app webhooks'
  let token: Promise<AppToken> | undefined

  async function call(
    signal: AbortSignal,
    method: 'GET' | 'POST' | 'PUT',
    path: string,
    json?: unknown,
  ): Promise<Answer> {
    token ??= askAppToken(hubspot, app, ['developers-read', 'developers-write'], { patience, signal })
    return await hubspot.call({
      endpoint,
      method,
      path: `${paths.appWebhooks(appId)}${path}`,
      token: (await token).token,
      patience,
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
      const found = answer && readAs(endpoint, settings, answer)
      return {
        settings: found && {
          targetUrl: found.targetUrl ?? undefined,
          atOnce: found.throttling?.maxConcurrentRequests ?? undefined,
        },
        subscriptions: readAs(endpoint, list, await call(signal, 'GET', '/subscriptions')).results,
      }
    },

    async apply(there, signal) {
      if (there.settings?.targetUrl !== targetUrl || there.settings.atOnce !== atOnce)
        await call(signal, 'PUT', '/settings', { targetUrl, throttling: { maxConcurrentRequests: atOnce } })
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
