/**
 * The data stored for a tenant: each table and column, what an export contains, and when an erasure
 * deletes it. A test reads the catalogue and fails for any table or column missing here.
 */

export interface InventoryEntry {
  table: string
  /** The key columns after `tenant_id`, in the order of an index. */
  key: readonly string[]
  /** Exported columns, without `tenant_id`, which always comes first. */
  exported: readonly string[]
  /** Never exported: secrets, and values that would help to guess one. */
  neverExported: readonly string[]
  /**
   * When an erasure deletes the rows.
   *
   * - marked: in the transaction that sets the mark; small tables that grant access or create work.
   * - rows: in steps.
   * - audit: in steps, by the only role that may delete them.
   * - tokens: a few at a time, after revoking them at HubSpot.
   * - integrations: in steps, after everything else.
   * - tenant: last.
   */
  erasedWith: 'marked' | 'rows' | 'audit' | 'tokens' | 'integrations' | 'tenant'
}

const words = (text: string) => text.split(/\s+/).filter((word) => word !== '')

const entry = (
  table: string,
  erasedWith: InventoryEntry['erasedWith'],
  columns: { key: string; exported: string; excluded?: string },
): InventoryEntry => ({
  table,
  erasedWith,
  key: words(columns.key),
  exported: words(columns.exported),
  neverExported: words(columns.excluded ?? ''),
})

/** In export order. */
export const dataInventory: readonly InventoryEntry[] = [
  entry('tenants', 'tenant', { key: '', exported: 'created_at key_id erasing_at', excluded: 'data_key' }),
  entry('tenant_integrations', 'integrations', {
    key: 'integration_id',
    exported: `integration_id integration_type status status_reason hub_id hub_domain ui_domain hub_user scopes total_count
      total_count_at last_sync_at loaded_at connected_at created_at updated_at`,
  }),
  entry('integration_aliases', 'rows', {
    key: 'alias_id',
    exported: 'alias_id integration_id created_at',
  }),
  entry('integration_tokens', 'tokens', {
    key: 'integration_id',
    exported: 'integration_id kind expires_at refresh_at confirmed_at epoch lease_until',
    excluded: 'access_token refresh_token',
  }),
  entry('api_keys', 'marked', {
    key: 'key_id',
    exported: 'key_id name scopes created_at expires_at revoked_at last_used_at',
    excluded: 'key_hash',
  }),
  entry('authorizations', 'marked', {
    key: 'state_hash',
    exported: 'integration_id requested_by expires_at',
    excluded: 'state_hash code_verifier',
  }),
  entry('confirmations', 'tokens', {
    key: 'confirmation_id',
    exported: `confirmation_id integration_id hub_id hub_domain ui_domain hub_user scopes token_expires_at confirmed_at
      expires_at`,
    excluded: 'secret_hash access_token refresh_token',
  }),
  entry('sessions', 'marked', {
    key: 'token_hash',
    exported: 'scopes created_by created_at last_used_at expires_at',
    excluded: 'token_hash binding',
  }),
  entry('account_routes', 'marked', {
    key: 'hub_id integration_id',
    exported: 'hub_id integration_id installed_at',
  }),
  entry('integration_resources', 'rows', {
    key: 'integration_id resource',
    exported: 'integration_id resource requested_at due_at read_at problem content omitted',
  }),
  entry('labels', 'rows', {
    key: 'integration_id topic parent id',
    exported: 'integration_id topic parent id label email closed archived',
  }),
  entry('issues', 'rows', {
    key: 'integration_id ticket_id',
    exported: `integration_id ticket_id issue_id subject content pipeline_id stage_id priority category owner_id
      ticket_created_at modified_at archived archived_at deleted_at url properties bytes observed_at first_synced_at synced_at was_live`,
  }),
  entry('issue_associations', 'rows', {
    key: 'integration_id ticket_id',
    exported: 'integration_id ticket_id associations bytes observed_at',
  }),
  entry('issue_merges', 'rows', {
    key: 'integration_id loser_id',
    exported: 'integration_id loser_id survivor_id',
  }),
  entry('issue_last_seen', 'rows', {
    key: 'integration_id ticket_id',
    exported: 'integration_id ticket_id seen_at',
  }),
  entry('record_problems', 'rows', {
    key: 'integration_id kind record_id',
    exported: 'integration_id kind record_id state reason record found_at',
  }),
  entry('sync_streams', 'marked', {
    key: 'integration_id kind sync_type',
    exported: `integration_id kind sync_type epoch lease_until lease_owner sync_event_id cursor watermark failures not_before next_run_at due_at
      deletions_held_back list_checked_at awaits_hubspot is_probe`,
  }),
  entry('sync_events', 'rows', {
    key: 'sync_event_id',
    exported: `sync_event_id integration_id kind sync_type trigger state version total done inserted changed unchanged archived
      failed repaired pages waiting_for waiting_until error_code error requested_at started_at finished_at
      repeat_count repeats_since`,
  }),
  entry('change_counters', 'rows', { key: '', exported: 'last_seq' }),
  entry('changes', 'rows', {
    key: 'seq',
    exported: 'seq change_id type at integration_id issue_id ticket_id detail bytes',
  }),
  entry('endpoints', 'rows', {
    key: 'endpoint_id',
    exported:
      'endpoint_id url types in_order previous_secret_expires_at created_at failing_since disabled_at disabled_reason',
    excluded: 'secret previous_secret',
  }),
  entry('deliveries', 'rows', {
    key: 'endpoint_id seq',
    exported: 'endpoint_id seq due_at ordering_key attempt_count delivered_at failure_reason',
  }),
  entry('attempts', 'rows', {
    key: 'endpoint_id seq at',
    exported: 'endpoint_id seq at duration_ms status error response',
  }),
  entry('inbox_entries', 'rows', {
    key: 'integration_id due_at entry_id',
    exported:
      'integration_id due_at entry_id ticket_ids change occurred_at received_at attempt_count inconclusive_count dead_letter_reason',
  }),
  entry('inboxes', 'rows', {
    key: 'integration_id',
    exported: `integration_id lease_until lease_owner failures not_before error_code last_received_at last_occurred_at webhooks_missing_since awaits_hubspot`,
  }),
  entry('audit_events', 'audit', {
    key: 'seq',
    exported: 'seq at actor action target address request_id phase result prev_hash hash',
  }),
  entry('idempotency_keys', 'rows', {
    key: 'key_hash',
    exported: 'claim lease_until status response expires_at',
    excluded: 'key_hash salt request_hash',
  }),
]
