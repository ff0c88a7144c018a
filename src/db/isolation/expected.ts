/**
 * What the database roles may do, and the code and views beside them, as data: a new table is one
 * line in each list it concerns. The check at start and `spoke doctor isolation` compare the
 * catalogue with exactly this. Long, because each table and view has its lines.
 */

export const databaseRoles = ['spoke_app', 'spoke_system', 'spoke_eraser'] as const
export type DatabaseRole = (typeof databaseRoles)[number]

/**
 * The roles behind views: the owners of the view that queries for issues read and of those for readers
 * of SQL, the group of the readers' logins, and the one that ends their sessions. The service itself
 * acts as the last one alone.
 */
export const viewRoles = ['spoke_search', 'spoke_views', 'spoke_reader', 'spoke_guard'] as const
export type ViewRole = (typeof viewRoles)[number]

/** Every role with grants on our tables and views. */
export const allRoles = [...databaseRoles, ...viewRoles] as const

/** By table, separated by spaces: `select`, or for columns `select(a,b)`. */
type TableGrants = Readonly<Record<string, string>>

/** Within one tenant's rows, as row level security enforces. */
const appGrants: TableGrants = {
  tenants: 'select insert update(data_key)',
  tenant_integrations: 'select insert update delete',
  integration_aliases: 'select insert update delete',
  integration_tokens: 'select insert update delete',
  authorizations: 'select insert update delete',
  confirmations: 'select insert update delete',
  account_routes: 'select insert update(installed_at) delete',
  issues: 'select insert update delete',
  issue_last_seen: 'select insert update delete',
  issue_merges: 'select insert update delete',
  issue_search: 'select insert update delete',
  issue_terms: 'select insert update delete',
  own_issue_terms: 'select',
  search_builds: 'select insert update delete',
  record_problems: 'select insert update delete',
  issue_associations: 'select insert update delete',
  labels: 'select insert update delete',
  integration_resources: 'select insert update delete',
  sync_streams: 'select insert update delete',
  sync_events: 'select insert update delete',
  inbox_entries: 'select insert update delete',
  inboxes: 'select insert update delete',
  change_counters: 'select insert update delete',
  endpoints: 'select insert update delete',
  deliveries: 'select insert update delete',
  attempts: 'select insert update delete',
  product_endpoint: 'select',
  changes: 'select insert update delete',
  idempotency_keys: 'select insert update delete',
  api_keys: 'select insert update delete',
  audit_events: 'select insert',
  sessions: 'select delete',
  sql_logins: 'select insert delete',
}

/**
 * Across all tenants: ids and times that lead to a tenant's scope, and rows that belong to no
 * tenant.
 */
const systemGrants: TableGrants = {
  account_routes: 'select',
  tenants: 'select(tenant_id,key_id,created_at,erasing_at)',
  sync_streams:
    'select(tenant_id,integration_id,kind,sync_type,epoch,lease_until,lease_owner,sync_event_id,not_before,next_run_at,awaits_hubspot,due_at)',
  confirmations: 'select(tenant_id,confirmation_id,hub_id,confirmed_at,expires_at)',
  idempotency_keys: 'select(tenant_id,expires_at)',
  budgets: 'select insert update delete',
  periodic_tasks: 'select insert update',
  ring_keys: 'select insert delete',
  api_keys:
    'select(key_id,tenant_id,scopes,key_hash,expires_at,revoked_at,last_used_at) update(last_used_at)',
  operator_audit: 'select insert',
  sessions: 'select insert delete update(last_used_at)',
  inbox_entries:
    'select(tenant_id,integration_id,due_at) insert(tenant_id,integration_id,due_at,ticket_ids,change,occurred_at)',
  inboxes:
    'select(tenant_id,integration_id,lease_until,lease_owner,not_before,webhooks_missing_since,awaits_hubspot)',
  webhook_receipts: 'select insert delete',
  journals: 'select insert update',
  journal_subscriptions: 'select insert update delete',
  change_counters: 'select',
  deliveries: 'select(tenant_id,endpoint_id,due_at)',
  search_builds: 'select(tenant_id,integration_id,finished_at)',
  product_endpoint: 'select insert update delete',
  sql_logins: 'select',
}

/** For one marked tenant: the mark, its row, and the rows no other role may delete. */
const eraserGrants: TableGrants = {
  tenants: 'select(tenant_id,erasing_at) update(erasing_at) delete',
  audit_events: 'select delete',
}

/** Through its view, which has the tenant's condition. */
const searchGrants: TableGrants = { issue_terms: 'select' }

/** Of one tenant's rows, what the views of SQL access show. */
const viewsGrants: TableGrants = {
  tenant_integrations:
    'select(tenant_id,integration_id,integration_type,status,status_reason,hub_id,hub_domain,scopes,total_count,total_count_at,last_sync_at,connected_at,created_at,updated_at)',
  search_builds: 'select(tenant_id,integration_id,finished_at)',
  issue_search: 'select',
  issues: 'select(tenant_id,integration_id,ticket_id,subject,content,url,properties)',
  issue_associations: 'select(tenant_id,integration_id,ticket_id,associations)',
  issue_merges: 'select(tenant_id,integration_id,loser_id,survivor_id)',
  labels: 'select',
  sync_events:
    'select(tenant_id,sync_event_id,integration_id,kind,sync_type,trigger,state,total,done,inserted,changed,unchanged,archived,repaired,failed,pages,repeat_count,repeats_since,waiting_for,waiting_until,error_code,error,requested_at,started_at,finished_at)',
  changes: 'select(tenant_id,seq,change_id,type,at,integration_id,issue_id,ticket_id,detail)',
}

/** Views by their name in the schema of views. */
const readerGrants: TableGrants = {
  sql_logins: 'select(login,tenant_id)',
  'spoke_views.integrations': 'select',
  'spoke_views.issues': 'select',
  'spoke_views.labels': 'select',
  'spoke_views.sync_events': 'select',
  'spoke_views.changes': 'select',
}

export const expectedGrants: Readonly<Record<DatabaseRole, TableGrants>> = {
  spoke_app: appGrants,
  spoke_system: systemGrants,
  spoke_eraser: eraserGrants,
}

const expectedViewGrants: Readonly<Record<ViewRole, TableGrants>> = {
  spoke_search: searchGrants,
  spoke_views: viewsGrants,
  spoke_reader: readerGrants,
  spoke_guard: { sql_logins: 'select(login,statement_seconds)' },
}

/**
 * Views that show tenants' rows, with their owner and the md5 of their definition without `one.` (see
 * migrations 0015 and 0017). Each has a tenant's condition in it. Those in the schema of views have
 * `spoke_views.` before their name, whatever that schema is called here.
 */
export const expectedViews: Readonly<Record<string, { owner: string; md5: string }>> = {
  own_issue_terms: { owner: 'spoke_search', md5: '57b2bc9a1b468f371507b8202b4df270' },
  'spoke_views.integrations': { owner: 'spoke_views', md5: '582b0fe2a2128d917b273aa2f8c93724' },
  'spoke_views.issues': { owner: 'spoke_views', md5: 'df9caeea3a6582c7b8c4100f6a2dde9b' },
  'spoke_views.labels': { owner: 'spoke_views', md5: 'b7c9c36c3e18c69946f6a4a2cbc38112' },
  'spoke_views.sync_events': { owner: 'spoke_views', md5: '7f84c14ede4bf5f84df256a7e6e54a9e' },
  'spoke_views.changes': { owner: 'spoke_views', md5: '3045f58197a36bb400776126e0dd7ff4' },
}

const own = '(tenant_id = spoke_tenant())'
const ownMarked = `(${own} AND (erasing_at IS NOT NULL))`
const ofMarked = `(${own} AND spoke_erasing())`
const readLoginTenant = 'read_login_tenant r spoke_views (tenant_id = spoke_login_tenant()) -'

/**
 * Policies besides the `own_tenant` policy: how the system role finds ids, and what an erasure may
 * do. Each as `name command role using check`.
 */
export const otherPolicies: Readonly<Record<string, readonly string[]>> = {
  account_routes: ['find_ids r spoke_system true -'],
  sync_streams: ['find_due r spoke_system true -'],
  inbox_entries: ['enqueue a spoke_system - true', 'find_due r spoke_system true -'],
  inboxes: ['find_due r spoke_system true -'],
  change_counters: ['find_changes r spoke_system true -'],
  deliveries: ['find_due r spoke_system true -'],
  search_builds: ['find_due r spoke_system true -', readLoginTenant],
  tenant_integrations: [readLoginTenant],
  issue_search: [readLoginTenant],
  issues: [readLoginTenant],
  issue_associations: [readLoginTenant],
  issue_merges: [readLoginTenant],
  labels: [readLoginTenant],
  sync_events: [readLoginTenant],
  changes: [readLoginTenant],
  issue_terms: ['search r spoke_search true -'],
  confirmations: ['find_pending r spoke_system true -'],
  tenants: [
    'list_tenants r spoke_system true -',
    `read_mark r spoke_eraser ${own} -`,
    `mark w spoke_eraser ${own} ${ownMarked}`,
    `erase_marked d spoke_eraser ${ownMarked} -`,
  ],
  audit_events: [`read_marked r spoke_eraser ${ofMarked} -`, `erase_marked d spoke_eraser ${ofMarked} -`],
  idempotency_keys: ['find_expired r spoke_system (expires_at <= now()) -'],
  api_keys: ['find_key r spoke_system true -', 'touch_key w spoke_system true true'],
  sessions: ['manage_sessions * spoke_system true true'],
  sql_logins: [
    'list_logins r spoke_system true -',
    'own_login r spoke_reader (login = SESSION_USER) -',
    'list_limits r spoke_guard true -',
  ],
}

/** Functions of the schema by the md5 of their body. None runs with its owner's rights. */
export const expectedFunctions: Readonly<Record<string, string>> = {
  spoke_tenant: '33cd14459a565a6464061d3e1aee8f7f',
  spoke_no_tenant: 'be0d5aadc759a4b12de3f5fc74faa999',
  spoke_erasing: 'afb72c34e87a19f7c653d3f85c49f682',
  spoke_begin_tenant: 'c9a746d1a31e491ba699886408771f21',
  spoke_begin_erasure: 'e47bab5bb9772bca7308344ea32b18c3',
  spoke_login_tenant: 'ec4449da5ce3bc9df2bedfff0fa9ac41',
}

/**
 * Indexes that do not begin with the tenant: those that the system role reads by time across tenants, and one
 * whose keys are different for each tenant.
 */
export const acrossTenantIndexes: readonly string[] = [
  'issue_terms_found',
  'sync_streams_due',
  'sync_streams_awaiting',
  'inboxes_awaiting',
]

/** Triggers of our tables, as `table.trigger`. */
export const expectedTriggers: readonly string[] = []

/** Every table named above. */
export const knownTables: readonly string[] = [
  ...new Set(Object.values(expectedGrants).flatMap((tables) => Object.keys(tables))),
]

/** @returns `table PRIVILEGE` and `table.column PRIVILEGE`, in the form the catalogue is read */
export function expectedGrantLines(role: DatabaseRole | ViewRole): string[] {
  return Object.entries({ ...expectedGrants, ...expectedViewGrants }[role]).flatMap(([table, list]) =>
    list.split(' ').flatMap((entry) => {
      const [, privilege = '', columns] = /^([a-z]+)(?:\(([a-z_,]+)\))?$/.exec(entry) ?? []
      if (privilege === '') throw new TypeError(`"${entry}" of ${table} is no grant`)
      const on = columns === undefined ? [table] : columns.split(',').map((column) => `${table}.${column}`)
      return on.map((what) => `${what} ${privilege.toUpperCase()}`)
    }),
  )
}
