// The shapes of the webhooks journal: what an app subscribed to, per account, and the conditions on it.
export const ACTIONS = [
  'CREATE',
  'UPDATE',
  'DELETE',
  'MERGE',
  'RESTORE',
  'ASSOCIATION_ADDED',
  'ASSOCIATION_REMOVED',
  'SNAPSHOT',
  'APP_INSTALL',
  'APP_UNINSTALL',
  'ADDED_TO_LIST',
  'REMOVED_FROM_LIST',
  'GDPR_DELETE',
] as const
export type JournalAction = (typeof ACTIONS)[number]

export const TYPES = [
  'OBJECT',
  'ASSOCIATION',
  'APP_LIFECYCLE_EVENT',
  'LIST_MEMBERSHIP',
  'GDPR_PRIVACY_DELETION',
] as const
export type SubscriptionType = (typeof TYPES)[number]

export const INSTALLED = '4-1909196'
export const UNINSTALLED = '4-1916193'

export type JournalSubscription = {
  id: number
  type: SubscriptionType
  // Null for what is about the app and not about an account.
  portal_id: number | null
  // Of an event of the app's own life it is the type of that event.
  object_type_id: string
  actions: readonly JournalAction[]
  properties: readonly string[]
  // Empty means all.
  object_ids: readonly number[]
  associated_object_type_ids: readonly string[]
  created_at: number
  updated_at: number
}

export const OPERATORS = [
  'CONTAINS',
  'ENDS_WITH',
  'EQ',
  'GT',
  'GTE',
  'IN',
  'IS_EMPTY',
  'IS_NOT_EMPTY',
  'LT',
  'LTE',
  'N_EQ',
  'NOT_IN',
  'STARTS_WITH',
] as const

export type Condition = {
  filterType: 'CRM_OBJECT_PROPERTY'
  property: string
  operator: (typeof OPERATORS)[number]
  value?: string
  values?: string[]
}

export type Filter = { id: number; subscription_id: number; conditions: Condition[]; created_at: number }
