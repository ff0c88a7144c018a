// One switch for each fact about HubSpot that its documents leave open, with the value we believe most likely.
export type Quirks = {
  introspect: 'full' | 'active_only'
  oauth_v1: 'ended' | 'alive'
  ticket_id_sort: 'number' | 'text' | 'mixed'
  shared_refresh_token: boolean
  token_info_unknown: 401 | 404
  token_info_needs_bearer: boolean
  unknown_hublet: 530 | 401
  missing_scopes: 'required' | 'granular' | 'both' | 'unnamed'
  sensitive_refusal: 'granular' | 'required' | 'property' | 'unnamed'
  unknown_archive: 204 | 404
  absent_empty_properties: boolean
  cleared_values: 'null' | 'empty_in_list' | 'empty_in_search'
  read_time_properties: boolean
  search_read_time: boolean
  retry_after_on_429: boolean
  index_lag_ms: number
  index_lag_jitter_ms: number
  index_outlier_ms: number
  index_keeps_archived: boolean
  search_values: 'indexed' | 'current'
  short_pages: boolean
  search_order: 'sorted' | 'shuffled'
  search_outside: boolean
  search_total: 'exact' | 'wobbly'
  merged_ids_missing_in_batch: boolean
  missing_ids_in_batch: 'named' | 'silent'
  archived_list_has_merged: boolean
  get_merged: 'survivor' | 'missing'
  archive_bumps: boolean
  restore_bumps: boolean
  association_bumps: boolean
  no_associations: 'empty' | 'error' | 'silent'
  written_answer: 'set' | 'nulls'
  to_object_id: 'number' | 'string'
  associations_bucket: 'own' | 'general'
  batch_order: 'shuffled' | 'asked'
  list_after: 'opaque' | 'id'
  wrong_link: boolean
  hub_domain_null: boolean
  access_token_survives_refresh: boolean
  access_token_survives_uninstall: boolean
  refresh_reuse_grace_ms: number
  code_ttl_ms: number
  access_token_ttl_s: number
  account_info_scope: string | null
  noop_update_bumps: boolean
  gzip: boolean
  url_limit: number
  search_bucket: 'account' | 'app'
  secondly_body: 'policy' | 'category'
  refused_calls_count: boolean
  rate_headers: boolean
  webhook_type_field: 'subscriptionType' | 'eventType'
  webhook_signatures: 'both' | 'v1' | 'v3'
  webhook_api_auth: 'either' | 'hapikey' | 'scopes'
  webhook_mixed_portals: boolean
  webhook_retry_keeps_id: boolean
  webhook_retries_4xx: boolean
  webhook_honours_retry_after: boolean
  webhook_creation_burst: boolean
  webhook_calculated_fires: boolean
  webhook_merge_noise: boolean
  webhook_merge_object: 'new' | 'primary'
  webhook_primary_twice: boolean
  webhook_association_sides: 'both' | 'own'
  webhook_association_object_id: boolean
  webhook_association_source: 'USER' | 'actor'
  webhook_classic_association: 'named' | 'typed' | 'bare'
  webhook_object_association: 'ends' | 'object'
  webhook_classic_is_sensitive: boolean
  client_credentials_versions: 'all' | 'not_2026_09'
  journal_available: boolean
  journal_scopes: 'developer' | 'spec'
  journal_lost_offset: 'error' | 'earliest'
  journal_merge_object: 'new' | 'primary'
  journal_association: 'ends' | 'object'
  journal_uninstall_ends_subscriptions: boolean
}

export const DEFAULT_QUIRKS: Readonly<Quirks> = {
  introspect: 'full',
  oauth_v1: 'ended',
  ticket_id_sort: 'number',
  shared_refresh_token: false,
  token_info_unknown: 401,
  token_info_needs_bearer: false,
  unknown_hublet: 530,
  missing_scopes: 'required',
  sensitive_refusal: 'granular',
  unknown_archive: 204,
  absent_empty_properties: false,
  cleared_values: 'null',
  read_time_properties: true,
  search_read_time: true,
  retry_after_on_429: false,
  index_lag_ms: 2000,
  index_lag_jitter_ms: 1000,
  index_outlier_ms: 0,
  index_keeps_archived: false,
  search_values: 'indexed',
  short_pages: false,
  search_order: 'sorted',
  search_outside: false,
  search_total: 'exact',
  merged_ids_missing_in_batch: false,
  missing_ids_in_batch: 'named',
  archived_list_has_merged: true,
  get_merged: 'survivor',
  archive_bumps: false,
  restore_bumps: false,
  association_bumps: false,
  no_associations: 'error',
  written_answer: 'set',
  to_object_id: 'number',
  associations_bucket: 'own',
  batch_order: 'shuffled',
  list_after: 'opaque',
  wrong_link: true,
  hub_domain_null: false,
  access_token_survives_refresh: true,
  access_token_survives_uninstall: false,
  refresh_reuse_grace_ms: 60_000,
  code_ttl_ms: 300_000,
  access_token_ttl_s: 1800,
  account_info_scope: 'oauth',
  noop_update_bumps: true,
  gzip: true,
  url_limit: 16_200,
  search_bucket: 'account',
  secondly_body: 'policy',
  refused_calls_count: false,
  rate_headers: true,
  webhook_type_field: 'subscriptionType',
  webhook_signatures: 'both',
  webhook_api_auth: 'either',
  webhook_mixed_portals: false,
  webhook_retry_keeps_id: true,
  webhook_retries_4xx: true,
  webhook_honours_retry_after: false,
  webhook_creation_burst: true,
  webhook_calculated_fires: false,
  webhook_merge_noise: false,
  webhook_merge_object: 'new',
  webhook_primary_twice: true,
  webhook_association_sides: 'both',
  webhook_association_object_id: false,
  webhook_association_source: 'USER',
  webhook_classic_association: 'named',
  webhook_object_association: 'ends',
  webhook_classic_is_sensitive: true,
  client_credentials_versions: 'all',
  journal_available: true,
  journal_scopes: 'developer',
  journal_lost_offset: 'error',
  journal_merge_object: 'new',
  journal_association: 'ends',
  journal_uninstall_ends_subscriptions: true,
}

const ALLOWED: Partial<Record<keyof Quirks, readonly unknown[]>> = {
  introspect: ['full', 'active_only'],
  oauth_v1: ['ended', 'alive'],
  ticket_id_sort: ['number', 'text', 'mixed'],
  token_info_unknown: [401, 404],
  unknown_hublet: [530, 401],
  missing_scopes: ['required', 'granular', 'both', 'unnamed'],
  sensitive_refusal: ['granular', 'required', 'property', 'unnamed'],
  unknown_archive: [204, 404],
  search_values: ['indexed', 'current'],
  cleared_values: ['null', 'empty_in_list', 'empty_in_search'],
  batch_order: ['shuffled', 'asked'],
  missing_ids_in_batch: ['named', 'silent'],
  list_after: ['opaque', 'id'],
  get_merged: ['survivor', 'missing'],
  search_order: ['sorted', 'shuffled'],
  search_total: ['exact', 'wobbly'],
  no_associations: ['empty', 'error', 'silent'],
  written_answer: ['set', 'nulls'],
  to_object_id: ['number', 'string'],
  associations_bucket: ['own', 'general'],
  search_bucket: ['account', 'app'],
  secondly_body: ['policy', 'category'],
  webhook_type_field: ['subscriptionType', 'eventType'],
  webhook_signatures: ['both', 'v1', 'v3'],
  webhook_api_auth: ['either', 'hapikey', 'scopes'],
  webhook_merge_object: ['new', 'primary'],
  webhook_association_sides: ['both', 'own'],
  webhook_association_source: ['USER', 'actor'],
  webhook_classic_association: ['named', 'typed', 'bare'],
  webhook_object_association: ['ends', 'object'],
  client_credentials_versions: ['all', 'not_2026_09'],
  journal_scopes: ['developer', 'spec'],
  journal_lost_offset: ['error', 'earliest'],
  journal_merge_object: ['new', 'primary'],
  journal_association: ['ends', 'object'],
}

// What a switch may be instead of its default; of an amount, nothing.
export function otherValues(name: keyof Quirks): readonly unknown[] {
  const value = DEFAULT_QUIRKS[name]
  if (name === 'account_info_scope') return [null]
  if (typeof value === 'boolean') return [!value]
  return (ALLOWED[name] ?? []).filter((one) => one !== value)
}

// Answers the faults found, so that a misspelt switch is an error and not a test that proves nothing.
export function setQuirks(quirks: Quirks, changes: Record<string, unknown>): string[] {
  const faults: string[] = []
  for (const [name, value] of Object.entries(changes)) {
    if (!Object.hasOwn(DEFAULT_QUIRKS, name)) {
      faults.push(`${name} is not a quirk`)
      continue
    }
    const key = name as keyof Quirks
    const allowed = ALLOWED[key]
    const right =
      key === 'account_info_scope'
        ? value === null || typeof value === 'string'
        : allowed
          ? allowed.includes(value)
          : typeof value === typeof DEFAULT_QUIRKS[key] && !(typeof value === 'number' && !(value >= 0))
    if (!right) faults.push(`${name} may not be ${JSON.stringify(value)}`)
  }
  if (faults.length === 0) Object.assign(quirks, changes)
  return faults
}
