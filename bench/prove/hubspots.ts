/**
 * The configurations of the emulator that HubSpot's documentation allows. Each sets several switches to what we do not
 * take for likely; together they give each switch each of its other values at least once.
 */
import { DEFAULT_QUIRKS, otherValues, type Quirks } from '../../packages/emulator/src/quirks.ts'

export const worlds: Record<string, Partial<Quirks>> = {
  'ids as text, merged ones silent': {
    ticket_id_sort: 'text',
    get_merged: 'missing',
    archived_list_has_merged: false,
    merged_ids_missing_in_batch: true,
    missing_ids_in_batch: 'silent',
    archive_bumps: true,
    restore_bumps: true,
    association_bumps: true,
    absent_empty_properties: true,
    no_associations: 'empty',
    written_answer: 'nulls',
    read_time_properties: false,
    to_object_id: 'string',
    associations_bucket: 'general',
    retry_after_on_429: true,
    secondly_body: 'category',
    introspect: 'active_only',
    missing_scopes: 'granular',
    sensitive_refusal: 'required',
    list_after: 'id',
    batch_order: 'asked',
    wrong_link: false,
    hub_domain_null: true,
    gzip: false,
    webhook_type_field: 'eventType',
    webhook_signatures: 'v1',
    webhook_api_auth: 'hapikey',
    webhook_mixed_portals: true,
    webhook_merge_object: 'primary',
    webhook_association_object_id: true,
    webhook_association_source: 'actor',
    webhook_classic_association: 'typed',
    webhook_object_association: 'object',
    webhook_classic_is_sensitive: false,
    webhook_association_sides: 'own',
    journal_scopes: 'spec',
    journal_merge_object: 'primary',
    journal_association: 'object',
  },
  'ids in no order, an index with deleted tickets': {
    ticket_id_sort: 'mixed',
    search_order: 'shuffled',
    search_outside: true,
    index_keeps_archived: true,
    search_read_time: false,
    cleared_values: 'empty_in_list',
    rate_headers: false,
    search_bucket: 'app',
    refused_calls_count: true,
    token_info_unknown: 404,
    unknown_hublet: 401,
    missing_scopes: 'both',
    sensitive_refusal: 'property',
    token_info_needs_bearer: true,
    access_token_survives_refresh: false,
    access_token_survives_uninstall: true,
    unknown_archive: 404,
    noop_update_bumps: false,
    account_info_scope: null,
    webhook_retry_keeps_id: false,
    webhook_merge_noise: true,
    webhook_calculated_fires: true,
    webhook_honours_retry_after: true,
    journal_uninstall_ends_subscriptions: false,
    client_credentials_versions: 'not_2026_09',
  },
  'short pages, wrong totals, present values': {
    short_pages: true,
    no_associations: 'silent',
    missing_scopes: 'unnamed',
    sensitive_refusal: 'unnamed',
    search_total: 'wobbly',
    search_values: 'current',
    cleared_values: 'empty_in_search',
    shared_refresh_token: true,
    oauth_v1: 'alive',
    webhook_signatures: 'v3',
    webhook_api_auth: 'scopes',
    webhook_retries_4xx: false,
    webhook_creation_burst: false,
    webhook_primary_twice: false,
    webhook_classic_association: 'bare',
    journal_lost_offset: 'earliest',
    journal_available: false,
  },
}

/** Amounts and not facts; scenarios set them where they matter. */
const amounts: ReadonlySet<keyof Quirks> = new Set([
  'index_lag_ms',
  'index_lag_jitter_ms',
  'index_outlier_ms',
  'refresh_reuse_grace_ms',
  'code_ttl_ms',
  'access_token_ttl_s',
  'url_limit',
])

/** Values of switches that no configuration has, as `switch: value`. */
export function forgotten(): string[] {
  return (Object.keys(DEFAULT_QUIRKS) as (keyof Quirks)[])
    .filter((name) => !amounts.has(name))
    .flatMap((name) => {
      const set = new Set(Object.values(worlds).map((world) => world[name]))
      return otherValues(name)
        .filter((value) => !set.has(value as never))
        .map((value) => `${name}: ${value}`)
    })
}
