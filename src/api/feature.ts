/**
 * What a feature brings: its routes, what a worker does for it, and its part of what goes through
 * all features. `feature.ts` of each folder builds one; `src/app/compose.ts` lists them.
 */
import type { FastifyInstance } from 'fastify'
import type { RawBuilder } from 'kysely'
import type { SystemScope, TenantScope } from '../db/scope.ts'

export interface Feature {
  /** Adds its routes to the server. */
  routes?(app: FastifyInstance): Promise<void> | void
  /** Called before a worker starts. */
  start?(): Promise<void>
  /** Work that rows say is due. */
  work?: readonly AnyWorkSource[]
  /** What a worker repeats for it. */
  loops?: readonly Loop[]
  hooks?: FeatureHooks
  /** Called once at shutdown, after the server and the worker have stopped. */
  close?(): Promise<void>
}

/** What goes through all features. */
export interface FeatureHooks {
  /** Called inside the transaction that connects an integration. */
  connected?(scope: TenantScope, integrationId: string): Promise<void>
  /** Called inside the transaction that disconnects it: ends what runs or waits for it. */
  disconnected?(scope: TenantScope, integrationId: string): Promise<void>
  /** Rows of tenants that expire. */
  retention?: readonly RetentionRule[]
  /** Deletes expired rows that belong to no tenant. @returns `atMost` if there may be more */
  deleteExpired?(scope: SystemScope, atMost: number): Promise<number>
  /** Sets the gauges of what waits. */
  count?(scope: SystemScope): Promise<void>
  /** Finds some of what waits for HubSpot to come back. */
  findAwaiting?(scope: SystemScope, atMost: number): Promise<AwaitingWork[]>
}

/** Something that a worker does again and again. */
export interface Loop {
  /** For logs. */
  name: string
  /** From the end of a pass to the next one, ms. */
  everyMs: number
  /** From the end of a failed pass; absent: as from any other. */
  retryMs?: number
  /** @returns 'again' to run the next pass at once; anything else: after `everyMs` */
  pass(signal: AbortSignal): Promise<unknown>
  /** Called once after the last pass. */
  end?(): Promise<void>
}

/** A kind of work. Items carry ids only. */
export interface WorkSource<Item> {
  /** One word, for logs. */
  name: string
  /**
   * An SQL expression over all tenants that finds what is due, with a JSON value for `read`.
   *
   * @param room.atMost how many items
   * @param room.except tenants that have their share of this source already
   */
  find(room: { atMost: number; except: readonly string[] }): RawBuilder<unknown>
  /** @returns `more`: there may be further items than these */
  read(found: unknown): { items: Item[]; more: boolean }
  keyOf(item: Item): string
  tenantOf(item: Item): string
  /** How many items may run at once in this process. Called once per poll. */
  limit(poll: { someWait: boolean; lastPollMs: number }): number
  /** How many of them for one tenant, so that the others are not blocked. */
  perTenant: number
  /** @returns how long the item is left alone, ms */
  run(item: Item, signal: AbortSignal): Promise<number>
}

/** Each source has its own kind of item. */
// biome-ignore lint/suspicious/noExplicitAny: a list of different ones
export type AnyWorkSource = WorkSource<any>

/** One kind of row: whether a tenant has expired ones, and what deletes some of them. */
export interface RetentionRule {
  name: string
  /** Retention period, ms; undefined: unlimited; 0: the rows themselves say when they expire. */
  keepMs: number | undefined
  hasExpired(scope: TenantScope, keepMs: number): RawBuilder<boolean>
  /** @returns how many rows were deleted */
  remove(scope: TenantScope, keepMs: number, atMost: number): Promise<number>
}

/** A run or an inbox that waits for HubSpot to come back. */
export interface AwaitingWork {
  tenantId: string
  /** Lets it continue now, unless it no longer waits. */
  resume(scope: TenantScope): Promise<void>
}
