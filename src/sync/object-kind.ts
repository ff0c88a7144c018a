/** What the sync must know of a kind of object. Tickets are one value of it; companies would be a second. */
import type { TenantScope } from '../db/scope.ts'
import type { HubSpot, Patience } from '../hubspot/client/client.ts'
import type { CallOptions, ObjectPaths } from '../hubspot/objects.ts'
import type { Whose } from '../integrations/integration.ts'

/** What became of one page. */
export interface KeepReport {
  inserted: number
  changed: number
  archived: number
  unchanged: number
  repaired: number
  rejected: { id: string | undefined; reason: string }[]
  /** Not proved: only a search said so, or a read of the very second in which another said otherwise. To be read by id. */
  unverified: string[]
  /** Were live here, and a survivor says that it replaced them. */
  merged: string[]
  /** Live records that were written. */
  touched: string[]
  /** Of those: which were not here live before. */
  arrived: string[]
  /** When the newest of `arrived` was created, by HubSpot's clock. */
  newestAt: string | undefined
}

/** What hangs on records: associations with other kinds. */
export interface LinksRead {
  /** Keeps it, within the caller's transaction. */
  keep(scope: TenantScope, integrationId: string): Promise<void>
  /** Which kinds HubSpot did not give for some of them. */
  unread: string[]
  /** Of which HubSpot would not say. */
  undecided: string[]
  /** Which the answers leave out. */
  unanswered: string[]
}

/** What an account lets us read of a kind. */
export interface KindReader {
  /** Every property that the account has. */
  properties: readonly string[]
  /** As `ObjectKind.keep`, by what is known of this account's properties. */
  keep: ObjectKind['keep']
  /**
   * Reads from HubSpot what hangs on these records (at most 1,000) beside their properties.
   *
   * @param how.tolerant what HubSpot fails to give is named in `unread` instead of thrown
   * @param how.failed what this run failed to read before
   * @param how.problems which problems that may pass are kept of it: all unless told otherwise (see PassingProblems)
   */
  readLinks(
    hubspot: HubSpot,
    ids: readonly string[],
    options: CallOptions,
    how?: { tolerant?: boolean; failed?: readonly string[]; problems?: 'all' | 'found' | 'none' },
  ): Promise<LinksRead>
}

export interface PreparedKind extends KindReader {
  /**
   * After HubSpot refused a read: leaves out the properties that it was about.
   *
   * @returns those that can still be asked for; undefined when it was about something else
   */
  omitRefused?(failure: unknown, properties: readonly string[]): Promise<readonly string[] | undefined>
}

export interface PrepareOptions {
  patience: Patience
  signal: AbortSignal
  /** Whether the run is still its own; asked within the transaction that keeps something, after the integration's lock. */
  mayKeep(scope: TenantScope): Promise<boolean>
}

/** Ids and times on HubSpot's clock. What takes a scope runs within the caller's transaction. */
export interface ObjectKind extends ObjectPaths {
  name: string
  /** Before the steps of a run: what this account has, kept up to date. Calls HubSpot when the last answer is old. */
  prepare(whose: Whose, options: PrepareOptions): Promise<PreparedKind>
  /**
   * Keeps a page; newer wins. A bad record is reported, never thrown.
   *
   * @param source read: by list or by id. search: from an index that may be behind, so it proves less
   */
  keep(
    scope: TenantScope,
    integrationId: string,
    records: readonly unknown[],
    observedAt: Date,
    source: 'read' | 'search',
  ): Promise<KeepReport>
  /** Which of a search's rows must be read by id, when the search gave ids and times alone. */
  findOutdated(
    scope: TenantScope,
    integrationId: string,
    hits: readonly { id: string; modifiedAt: string }[],
    asOf: Date,
  ): Promise<string[]>
  /** Records that no read has shown since a pass began, a stretch at a time. */
  findAbsent(
    scope: TenantScope,
    integrationId: string,
    since: Date,
    beyond: string | undefined,
    atMost: number,
  ): Promise<{ beyond: string | undefined; live: number; absent: string[]; absentLive: number }>
  /** @returns markedDeleted: those that were live. unverified: shown by a read of the same second, or a later one; to be read again */
  markDeleted(
    scope: TenantScope,
    integrationId: string,
    ids: readonly string[],
    provedAt: Date,
  ): Promise<{ markedDeleted: string[]; unverified: string[] }>
  findLive(
    scope: TenantScope,
    integrationId: string,
    beyond: string | undefined,
    limit: number,
  ): Promise<string[]>
}
