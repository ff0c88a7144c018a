/**
 * Tickets as an object kind to sync: what to request from HubSpot, and where to store the records.
 */
import { createHash } from 'node:crypto'
import type { Database } from '../db/database.ts'
import { type TenantScope, withTenant } from '../db/scope.ts'
import type { HubSpot } from '../hubspot/client/client.ts'
import type { CallOptions } from '../hubspot/objects.ts'
import type { IntegrationRef } from '../integrations/integration.ts'
import type { Tokens } from '../integrations/tokens/tokens.ts'
import { findAbsent, findLive, markDeleted } from './absence-store.ts'
import { findAssociated } from './association-store.ts'
import { readAssociationsForStep, type TemporaryProblems, unreadableKinds } from './associations.ts'
import { type CatalogDependencies, refreshCatalog } from './catalog.ts'
import { type IssueRow, isRejected, sanitizeText, toIssue } from './issue.ts'
import { omitRefusedProperties } from './omitted-properties.ts'
import { type RecordProblem, saveProblems } from './problem-store.ts'
import { ticketProperties } from './properties.ts'
import { beginSearchBuild } from './search-index-store.ts'
import {
  findOutdated,
  markSeen,
  type ReadSource,
  saveMerges,
  type UpsertedRow,
  upsertIssues,
} from './upsert-store.ts'

const name = 'tickets'

export const ticketKind = {
  name,
  path: 'tickets',
  modifiedProperty: 'hs_lastmodifieddate',
  /** Used until the account's own properties are known. */
  properties: ticketProperties,
  loaded: beginSearchBuild,
  upsert: upsertTickets,
  findOutdated,
  findAbsent,
  findLive,
  markDeleted,
} as const

/** Adds what a run must first read: the account's properties and readable associations. */
export function createTicketKind({
  db,
  hubspot,
  tokens,
}: {
  db: Database
  hubspot: HubSpot
  tokens: Tokens
}) {
  return {
    ...ticketKind,
    async prepare(
      ref: IntegrationRef,
      options: Pick<CatalogDependencies, 'retryLimits' | 'signal' | 'maySave' | 'resources'>,
    ) {
      const withAccess: CatalogDependencies['withAccess'] = (work) =>
        tokens.use(ref, options, (access) => work(access))
      const { properties, readTime } = await refreshCatalog({ db, hubspot, ...options, withAccess }, ref)
      let rounds = 0
      let unreadable: ReturnType<typeof unreadableKinds> | undefined
      return {
        properties,
        upsert: (...[scope, integrationId, records, observedAt, source]: Parameters<typeof upsertTickets>) =>
          upsertTickets(scope, integrationId, records, observedAt, source, readTime),
        async omitRefusedProperties(failure: unknown, requested: readonly string[]) {
          // A second round covers properties that became sensitive meanwhile; no more.
          if (rounds >= 2) return undefined
          rounds += 1
          const kind = { ...ticketKind, properties: requested }
          return await omitRefusedProperties({ db, hubspot, ...options, withAccess }, ref, kind, failure)
        },
        async readAssociations(
          through: HubSpot,
          ids: readonly string[],
          options: CallOptions,
          readOptions: { tolerant?: boolean; failed?: readonly string[]; problems?: TemporaryProblems } = {},
        ) {
          const within = <T>(work: (scope: TenantScope) => Promise<T>) => withTenant(db, ref.tenantId, work)
          unreadable ??= within((scope) => unreadableKinds(scope, ref.integrationId))
          return await readAssociationsForStep(through, ids, options, await unreadable, {
            ...readOptions,
            findStored: (kind, some) =>
              within((scope) => findAssociated(scope, ref.integrationId, kind, some)),
          })
        },
      }
    },
  }
}

/** The result of one page. */
export interface TicketUpsertReport {
  inserted: number
  changed: number
  /** Became tombstones: archived in HubSpot, or merged into another ticket. */
  archived: number
  unchanged: number
  /** Stored, but not verbatim. */
  repaired: number
  rejected: { id: string | undefined; reason: string }[]
  /** Not proved; must be read by id. */
  unverified: string[]
  /** Were live here, and a survivor lists them as replaced. */
  merged: string[]
  /** Live records that were written. */
  touched: string[]
  /** Those of `touched` that were not live here before. */
  arrived: string[]
  /** Creation time of the newest of `arrived`, by HubSpot's clock. */
  newestAt: string | undefined
}

/** Stores a page of tickets as issues; a record that cannot be stored is quarantined. */
async function upsertTickets(
  scope: TenantScope,
  integrationId: string,
  records: readonly unknown[],
  observedAt: Date,
  source: ReadSource,
  readTime: readonly string[] = [],
): Promise<TicketUpsertReport> {
  const { rows, problems, rejected } = mapPage(records)
  const merges = mergesOf(rows)
  const losers = merges.length > 0 ? await saveMerges(scope, integrationId, merges, observedAt) : []
  const upserted = await upsertIssues(scope, integrationId, rows, observedAt, source, readTime)
  const known = rejected.flatMap(({ id }) => (id === undefined ? [] : [id]))
  if (source === 'read' && known.length > 0)
    await markSeen(scope, integrationId, [...new Set(known)], observedAt)
  const troubled = new Set(problems.map(({ record_id }) => record_id))
  const healthy = rows.map(({ ticket_id }) => ticket_id).filter((id) => !troubled.has(id))
  await saveProblems(scope, integrationId, name, problems, healthy)
  const archived = new Set(rows.filter((row) => row.archived).map((row) => row.ticket_id))
  const of = (...outcomes: UpsertedRow['outcome'][]) =>
    upserted.filter(({ outcome }) => outcomes.includes(outcome)).map(({ ticket_id }) => ticket_id)
  const arrived = new Set(of('inserted', 'restored').filter((id) => !archived.has(id)))
  const created = rows.filter((row) => arrived.has(row.ticket_id)).map((row) => row.ticket_created_at ?? '')
  return {
    inserted: of('inserted').length,
    changed: of('changed', 'restored').length,
    archived: of('archived').length + losers.length,
    unchanged: of('unchanged', 'stale').length,
    repaired: problems.filter(({ state }) => state === 'repaired').length,
    rejected,
    unverified: of('unverified'),
    merged: losers,
    touched: of('inserted', 'changed', 'restored').filter((id) => !archived.has(id)),
    arrived: [...arrived],
    newestAt: created.reduce((a, b) => (a > b ? a : b), '') || undefined,
  }
}

function mapPage(records: readonly unknown[]) {
  const rows = new Map<string, IssueRow>()
  const problems = new Map<string, RecordProblem>()
  const rejected: TicketUpsertReport['rejected'] = []
  for (const record of records) {
    const mapped = toIssue(record)
    if (isRejected(mapped)) {
      rejected.push(mapped)
      const text = sanitizeText(JSON.stringify(record) ?? 'undefined')
      const recordId = mapped.id ?? `unknown-${createHash('sha256').update(text).digest('hex').slice(0, 16)}`
      const { reason } = mapped
      problems.set(recordId, {
        record_id: recordId,
        state: 'quarantined',
        reason,
        record: text.slice(0, 20_000).toWellFormed(),
      })
      continue
    }
    const { row, repaired } = mapped
    // If a page contains a ticket twice, store the newer version; one statement can write a row
    // only once.
    const twin = rows.get(row.ticket_id)
    if (twin && twin.modified_at > row.modified_at) continue
    rows.set(row.ticket_id, row)
    if (repaired)
      problems.set(row.ticket_id, {
        record_id: row.ticket_id,
        state: 'repaired',
        reason: repaired,
        record: null,
      })
  }
  return { rows: [...rows.values()], problems: [...problems.values()], rejected }
}

/**
 * HubSpot lists the ids that a record replaced, separated by semicolons. If two survivors name one
 * loser, the newer wins.
 */
function mergesOf(rows: readonly IssueRow[]): { loser: string; survivor: string }[] {
  const survivors = new Map<string, string>()
  for (const { ticket_id: survivor, properties } of rows) {
    for (const id of properties.hs_merged_object_ids?.split(';') ?? []) {
      const loser = id.trim()
      if (!/^\d{1,20}$/.test(loser) || loser === survivor) continue
      const other = survivors.get(loser)
      if (other === undefined || BigInt(other) < BigInt(survivor)) survivors.set(loser, survivor)
    }
  }
  return [...survivors].map(([loser, survivor]) => ({ loser, survivor }))
}
