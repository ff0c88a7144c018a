/**
 * `npm run prove:worlds`: the scenarios once more in each world that HubSpot's documents leave possible. A world sets
 * several of the emulator's switches to what we do not take for likely; together they set each of them at least once.
 * A strange index may cost more requests, so their number is shown and not judged here.
 */
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { DEFAULT_QUIRKS, type Quirks } from '../../emulator/quirks.ts'

const worlds: Record<string, Partial<Quirks>> = {
  'ids as text, merged ones silent': {
    ticket_id_sort: 'text',
    get_merged: 'missing',
    archived_list_has_merged: false,
    merged_ids_missing_in_batch: true,
    archive_bumps: true,
    restore_bumps: true,
    association_bumps: true,
    absent_empty_properties: true,
    no_associations: 'error',
    to_object_id: 'string',
    associations_bucket: 'general',
    retry_after_on_429: true,
    secondly_body: 'category',
    introspect: 'active_only',
    list_after: 'id',
    batch_order: 'asked',
    wrong_link: false,
    hub_domain_null: true,
    gzip: false,
  },
  'ids in no order, an index that shows what is gone': {
    ticket_id_sort: 'mixed',
    search_order: 'shuffled',
    search_outside: true,
    index_keeps_archived: true,
    rate_headers: false,
    search_bucket: 'app',
    refused_calls_count: true,
    token_info_unknown: 404,
    token_info_needs_bearer: true,
    access_token_survives_refresh: false,
    access_token_survives_uninstall: true,
    unknown_archive: 404,
    noop_update_bumps: false,
    account_info_scope: null,
  },
  'short pages, wrong totals, present values': {
    short_pages: true,
    search_total: 'wobbly',
    search_values: 'current',
    shared_refresh_token: true,
    oauth_v1: 'alive',
  },
}

/** Amounts and not facts; scenarios set them where they matter. */
const amounts: (keyof Quirks)[] = [
  'index_lag_ms',
  'index_lag_jitter_ms',
  'index_outlier_ms',
  'refresh_reuse_grace_ms',
  'code_ttl_ms',
  'access_token_ttl_s',
  'url_limit',
]

const set = new Set(Object.values(worlds).flatMap((world) => Object.keys(world)))
const forgotten = (Object.keys(DEFAULT_QUIRKS) as (keyof Quirks)[]).filter(
  (name) => !set.has(name) && !amounts.includes(name),
)
if (forgotten.length > 0) {
  process.stderr.write(`prove:worlds: no world sets ${forgotten.join(', ')}\n`)
  process.exit(1)
}

const main = join(import.meta.dirname, 'main.ts')
let failed = 0
for (const [name, quirks] of Object.entries(worlds)) {
  console.log(`\n== ${name}\n${JSON.stringify(quirks)}`)
  const more = [...process.argv.slice(2), '--no-naive', '--any-cost', '--quirks', JSON.stringify(quirks)]
  const { status } = spawnSync(process.execPath, [main, ...more], { stdio: 'inherit' })
  if (status !== 0) failed += 1
}
const count = Object.keys(worlds).length
console.log(`\n${count - failed} worlds passed, ${failed} failed`)
process.exitCode = failed === 0 ? 0 : 1
