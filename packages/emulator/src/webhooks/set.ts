// What tests and people say of an app's webhooks, short and without HubSpot's checks; and a signature for who posts
// events without the emulator.
import type { Clock } from '../clock.ts'
import type { App } from '../token-types.ts'
import { type Signed, signatureHeaders } from './signing.ts'
import type { Subscriptions } from './subscriptions.ts'
import { isTarget } from './target.ts'
import type { NewSubscription, Subscription } from './types.ts'

const MOST_CONCURRENT = 1000
const SIGNED = ['both', 'v1', 'v2', 'v3']

export type WebhooksInput = {
  target_url?: string | null
  max_concurrent_requests?: number
  // Short: `ticket.creation`, `ticket.propertyChange:subject`, `object.creation` (of tickets). Active unless said otherwise.
  subscriptions?: (string | NewSubscription)[]
}

export type SignInput = { body?: unknown; url?: string; timestamp?: number; which?: Signed }

export type AppWebhooks = {
  client_id: string
  app_id: number
  hapikey: string
  target_url: string | null
  max_concurrent_requests: number | null
  subscriptions: Subscription[]
}

/** What an app has set, whether or not it is in force yet. */
export function showWebhooks(subscriptions: Subscriptions, app: App): AppWebhooks {
  const { hapikey, plan } = subscriptions.of(app)
  return {
    client_id: app.client_id,
    app_id: app.app_id,
    hapikey,
    target_url: plan.settings?.target_url ?? null,
    max_concurrent_requests: plan.settings?.max_concurrent_requests ?? null,
    subscriptions: [...plan.subscriptions.values()],
  }
}

/** Sets what is given; a list of subscriptions replaces all. */
export function setWebhooks(subscriptions: Subscriptions, app: App, input: WebhooksInput): AppWebhooks {
  const { target_url, max_concurrent_requests = 10, subscriptions: list, ...rest } = input
  const [unknown] = Object.keys(rest)
  if (unknown) throw new Error(`webhooks of an app have no ${unknown}`)
  const most = max_concurrent_requests
  if (!Number.isSafeInteger(most) || most < 1 || most > MOST_CONCURRENT)
    throw new Error(`max_concurrent_requests must be a whole number from 1 to ${MOST_CONCURRENT}`)
  if (target_url !== undefined && target_url !== null && !isTarget(target_url))
    throw new Error('target_url must be https, or on this machine')
  if (list !== undefined && !Array.isArray(list)) throw new Error('subscriptions must be a list')
  const wanted = list?.map(readOne)
  if (target_url === null) subscriptions.setSettings(app, null)
  else if (target_url !== undefined)
    subscriptions.setSettings(app, { target_url, max_concurrent_requests: most })
  if (wanted) subscriptions.setAll(app, wanted)
  return showWebhooks(subscriptions, app)
}

function readOne(given: string | NewSubscription): NewSubscription {
  const one = typeof given === 'string' ? fromText(given) : given
  if (typeof one?.event_type !== 'string') throw new Error('a subscription needs an event_type')
  const generic = one.event_type.startsWith('object.')
  return { active: true, ...one, object_type_id: generic ? (one.object_type_id ?? '0-5') : null }
}

function fromText(text: string): NewSubscription {
  const [event_type = '', property_name = null] = text.split(':')
  return { event_type, property_name }
}

/** What HubSpot would send along with a body: text is taken as it is, anything else is written out as JSON. */
export function signWebhook(
  subscriptions: Subscriptions,
  clock: Clock,
  app: App,
  { body: given = [], url = showWebhooks(subscriptions, app).target_url ?? undefined, ...rest }: SignInput,
): { url: string; body: string; headers: Record<string, string> } {
  const { timestamp = clock.now(), which = 'both' } = rest
  if (!SIGNED.includes(which)) throw new Error(`which must be one of ${SIGNED.join(', ')}`)
  if (typeof url !== 'string') throw new Error('there is no url, neither given nor of the app')
  const body = typeof given === 'string' ? given : JSON.stringify(given)
  const signed = signatureHeaders(app.client_secret, url, body, timestamp, which)
  return { url, body, headers: { 'Content-Type': 'application/json', ...signed } }
}
