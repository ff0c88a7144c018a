// The shapes of an app's webhooks: where they go, what is subscribed, and an event on its way.
import type { App } from '../token-types.ts'

export const ACTIONS = [
  'creation',
  'propertyChange',
  'deletion',
  'merge',
  'restore',
  'associationChange',
] as const
export type Action = (typeof ACTIONS)[number]

export type Settings = {
  target_url: string
  max_concurrent_requests: number
  created_at: number
  updated_at: number
}

export type Subscription = {
  id: number
  event_type: string
  property_name: string | null
  object_type_id: string | null
  event_type_name: string | null
  active: boolean
  created_at: number
  updated_at: number
}

export type NewSubscription = {
  event_type: string
  property_name?: string | null
  object_type_id?: string | null
  event_type_name?: string | null
  active?: boolean
}

// What an app has set; replaced by a new one on each change, so that an old one can stay in force for a while.
export type Plan = { settings: Settings | null; subscriptions: ReadonlyMap<number, Subscription> }

export type Hooked = { app: App; hapikey: string; plan: Plan; earlier: Plan; changed_at: number }

// As it goes over the wire, with the fields that every event has.
export type WebhookEvent = { eventId: number; portalId: number; attemptNumber: number } & Record<
  string,
  unknown
>
