/** What an app must subscribe to at HubSpot, as its project file says it and as its API takes it. */
import { z } from 'zod'
import { askAppToken } from './app-token.ts'
import type { HubSpot } from './client.ts'
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

export interface Registered {
  /** As `ticket.propertyChange subject`. */
  added: string[]
  activated: string[]
  /** Were there already, and active. */
  kept: number
}

/**
 * For an app that is not a project: sets where HubSpot sends, adds what is missing and activates what is paused. What else
 * the app has subscribed to stays. The app shows its own token; HubSpot's other way, a developer key, would stand in the URL.
 *
 * @throws HubSpotError as `HubSpot.call`; misconfigured when HubSpot gives the app no such token
 */
export async function registerWebhooks(
  hubspot: HubSpot,
  app: App,
  appId: number,
  targetUrl: string,
  properties: readonly string[],
  signal: AbortSignal,
): Promise<Registered> {
  const patience = { tries: 2, totalMs: 30_000 }
  const endpoint = 'app webhooks'
  const { token: own } = await askAppToken(hubspot, app, ['developers-read', 'developers-write'], {
    patience,
    signal,
  })
  const call = (method: 'GET' | 'POST' | 'PUT', path: string, json?: unknown) =>
    hubspot.call({
      endpoint,
      method,
      path: `${paths.appWebhooks(appId)}${path}`,
      token: own,
      patience,
      signal,
      ...(json === undefined ? {} : { json }),
    })
  await call('PUT', '/settings', { targetUrl, throttling: { maxConcurrentRequests: atOnce } })
  const there = readAs(endpoint, list, await call('GET', '/subscriptions')).results
  const named = ({
    eventType,
    propertyName,
  }: {
    eventType: string
    propertyName?: string | null | undefined
  }) => [eventType, propertyName].filter(Boolean).join(' ')
  const known = new Map(there.map((one) => [named(one), one]))
  const wanted = [
    ...types.map((type) => ({ eventType: `ticket.${type}` })),
    ...subscribable(properties).map((propertyName) => ({ eventType: 'ticket.propertyChange', propertyName })),
  ]
  const missing = wanted.filter((one) => !known.has(named(one)))
  for (const one of missing) await call('POST', '/subscriptions', { ...one, active: true })
  const paused = wanted.flatMap((one) => {
    const found = known.get(named(one))
    return found && !found.active ? [found] : []
  })
  if (paused.length > 0)
    await call('POST', '/subscriptions/batch/update', {
      inputs: paused.map(({ id }) => ({ id: Number(id), active: true })),
    })
  return {
    added: missing.map(named),
    activated: paused.map(named),
    kept: wanted.length - missing.length - paused.length,
  }
}
