/**
 * What the two doors may do, as data: a new table is one line in each list that concerns it. The check at start and
 * `spoke doctor isolation` hold the catalogue to exactly this.
 */

export const doors = ['spoke_app', 'spoke_system'] as const
export type Door = (typeof doors)[number]

/** By table, with spaces between: `select`, or of columns `select(a,b)`. */
type Grants = Readonly<Record<string, string>>

/** Within one tenant's rows, which row level security sees to. */
const appGrants: Grants = {
  tenants: 'select insert update(data_key)',
  tenant_integrations: 'select insert update delete',
  integration_tokens: 'select insert update delete',
  authorizations: 'select insert update delete',
  confirmations: 'select insert update delete',
  portal_routes: 'select insert delete',
  issues: 'select insert update delete',
  issue_sightings: 'select insert update delete',
  issue_merges: 'select insert update delete',
  record_problems: 'select insert update delete',
  issue_associations: 'select insert update delete',
  labels: 'select insert update delete',
  integration_parts: 'select insert update delete',
  sync_streams: 'select insert update delete',
  sync_events: 'select insert update delete',
  idempotency_keys: 'select insert update delete',
  api_keys: 'select insert update delete',
  audit_events: 'select insert',
  sessions: 'select delete',
}

/** Over all tenants: ids and times that lead to a tenant's scope, and what belongs to no tenant. */
const systemGrants: Grants = {
  portal_routes: 'select',
  tenants: 'select(tenant_id,key_id,created_at)',
  sync_streams:
    'select(tenant_id,integration_id,kind,mode,epoch,lease_until,lease_by,sync_event_id,not_before,next_at)',
  confirmations: 'select(tenant_id,confirmation_id,portal_id,confirmed_at,expires_at)',
  budgets: 'select insert update',
  ring_keys: 'select insert delete',
  api_keys:
    'select(key_id,tenant_id,scopes,key_hash,expires_at,revoked_at,last_used_at) update(last_used_at)',
  operator_audit: 'select insert',
  sessions: 'select insert delete update(last_used_at)',
  rate_windows: 'select insert update delete',
}

export const grants: Readonly<Record<Door, Grants>> = { spoke_app: appGrants, spoke_system: systemGrants }

/** Policies besides a table's own: where the system door finds ids. Each as `name command role using check`. */
export const systemPolicies: Readonly<Record<string, readonly string[]>> = {
  portal_routes: ['find_ids r spoke_system true -'],
  sync_streams: ['find_due r spoke_system true -'],
  tenants: ['find_keys r spoke_system true -'],
  confirmations: ['find_waiting r spoke_system true -'],
  api_keys: ['find_key r spoke_system true -', 'touch_key w spoke_system true true'],
  sessions: ['hold_sessions * spoke_system true true'],
}

/** Functions of the schema by the md5 of their text. None runs with its owner's rights. */
export const functions: Readonly<Record<string, string>> = {
  spoke_tenant: '3f1ddbc86c396984a3541d703a8afe3c',
}

/** Triggers of our tables, as `table.trigger`. */
export const triggers: readonly string[] = []

/** Every table named above. */
export const knownTables: readonly string[] = [
  ...new Set([...Object.keys(appGrants), ...Object.keys(systemGrants)]),
]

/** @returns `table PRIVILEGE` and `table.column PRIVILEGE`, as the catalogue is read */
export function grantLines(door: Door): string[] {
  return Object.entries(grants[door]).flatMap(([table, list]) =>
    list.split(' ').flatMap((entry) => {
      const [, privilege = '', columns] = /^([a-z]+)(?:\(([a-z_,]+)\))?$/.exec(entry) ?? []
      if (privilege === '') throw new TypeError(`"${entry}" of ${table} is no grant`)
      const on = columns === undefined ? [table] : columns.split(',').map((column) => `${table}.${column}`)
      return on.map((what) => `${what} ${privilege.toUpperCase()}`)
    }),
  )
}
