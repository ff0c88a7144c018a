/** What the sync must know about a kind of object: tickets now; companies would be a second. */
import type { TenantScope } from '../db/scope.ts'
import type { HubSpot, RetryLimits } from '../hubspot/client/client.ts'
import type { CallOptions, ObjectPaths } from '../hubspot/objects.ts'
import type { IntegrationRef } from '../integrations/integration.ts'
import type { ResourceDue } from '../integrations/resource-store.ts'

/** The result of saving one page. */
export interface UpsertReport {
  inserted: number
  changed: number
  archived: number
  unchanged: number
  repaired: number
  rejected: { id: string | undefined; reason: string }[]
  /**
   * Not proved: only a search reported it, or a read within the very second in which another read
   * contradicted it. To be read by id.
   */
  unverified: string[]
  /** Were live here, and a survivor says that it replaced them. */
  merged: string[]
  /** Live records that were written. */
  touched: string[]
  /** Those of `touched` that were not live here before. */
  arrived: string[]
  /** When the newest of `arrived` was created, by HubSpot's clock. */
  newestAt: string | undefined
}

/** The result of reading the records' associations with other kinds. */
export interface RecordAssociationsRead {
  /** Saves it, within the caller's transaction. */
  save(scope: TenantScope, integrationId: string): Promise<void>
  /** Kinds that HubSpot did not return for some of the records. */
  unread: string[]
  /** Records about which HubSpot would not say. */
  undecided: string[]
  /** Records that the responses left out. */
  unanswered: string[]
}

/** What an account lets us read of a kind. */
export interface KindReader {
  /** Every property that the account has. */
  properties: readonly string[]
  /** Like `ObjectKind.upsert`, with what is known of this account's properties. */
  upsert: ObjectKind['upsert']
  /**
   * Reads the associations of these records (at most 1,000) from HubSpot.
   *
   * @param how.tolerant what HubSpot fails to return is named in `unread` instead of thrown
   * @param how.failed what this run failed to read before
   * @param how.problems which temporary problems are recorded; default: all (see TemporaryProblems)
   */
  readAssociations(
    hubspot: HubSpot,
    ids: readonly string[],
    options: CallOptions,
    how?: { tolerant?: boolean; failed?: readonly string[]; problems?: 'all' | 'found' | 'none' },
  ): Promise<RecordAssociationsRead>
}

export interface PreparedKind extends KindReader {
  /**
   * Called after HubSpot refused a read: leaves out the properties that were refused.
   *
   * @returns the properties that can still be requested; undefined if the refusal was about
   *   something else
   */
  omitRefusedProperties?(
    failure: unknown,
    properties: readonly string[],
  ): Promise<readonly string[] | undefined>
}

export interface PrepareOptions {
  retryLimits: RetryLimits
  signal: AbortSignal
  /**
   * Whether the claim is still valid. Called within the transaction that saves something, after the
   * integration is locked.
   */
  maySave(scope: TenantScope): Promise<boolean>
  /** The account's resources, as read together with the claim; absent: they are read now. */
  resources?: readonly ResourceDue[]
}

/** Ids and times are HubSpot's. Methods that take a scope run within the caller's transaction. */
export interface ObjectKind extends ObjectPaths {
  name: string
  /**
   * Called before the steps of a run: returns what this account has, kept up to date. Calls HubSpot
   * if the last response is old.
   */
  prepare(ref: IntegrationRef, options: PrepareOptions): Promise<PreparedKind>
  /**
   * Called within the transaction that ends a full run, under the integration's lock: everything that
   * the account has is stored.
   */
  loaded?(scope: TenantScope, integrationId: string): Promise<void>
  /**
   * Saves a page; the newer version wins. A bad record is reported, never thrown.
   *
   * @param source read: by list or by id. search: from an index that may lag behind, so it proves
   *   less
   */
  upsert(
    scope: TenantScope,
    integrationId: string,
    records: readonly unknown[],
    observedAt: Date,
    source: 'read' | 'search',
  ): Promise<UpsertReport>
  /** Which of a search's hits must be read by id, if the search returned only ids and times. */
  findOutdated(
    scope: TenantScope,
    integrationId: string,
    hits: readonly { id: string; modifiedAt: string }[],
    asOf: Date,
  ): Promise<string[]>
  /** Records that no read has returned since a pass began, one range at a time. */
  findAbsent(
    scope: TenantScope,
    integrationId: string,
    since: Date,
    beyond: string | undefined,
    atMost: number,
  ): Promise<{ beyond: string | undefined; live: number; absent: string[]; absentLive: number }>
  /**
   * @returns markedDeleted: those that were live. unverified: those that a read of the same second
   *   or a later one returned; to be read again
   */
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
