/** The system under test: anything that copies tickets, can be started, and returns its rows. */
import type { KeptRow } from './oracle.ts'

export type SyncType = 'full' | 'incremental'

/** The result of one run of a sync, as its owner sees it. */
export interface RunReport {
  /** false: it was still going when the time was up. */
  ended: boolean
  /** `succeeded`, `partial`, `failed`, `cancelled`; `refused` when it was not even begun. */
  state: string
  /** What a client saw, in order: states, codes, messages. */
  reported: string
  /** The codes it waited for. */
  waitedFor: string[]
  /** Records that it reports as not stored. */
  failed: number
  /** The run as the API shows it at its end; empty for the naive sync. */
  event: Record<string, unknown>
}

export interface SystemUnderTest {
  name: 'spoke' | 'naive'
  /** The properties it carries; undefined: all. */
  properties: readonly string[] | undefined
  full(withinSeconds?: number): Promise<RunReport>
  incremental(withinSeconds?: number): Promise<RunReport>
  /** In no order. Duplicates come as such. */
  rows(): Promise<KeptRow[]>
  /** SIGKILL, and a new start. */
  killAndRestart(): Promise<void>
  stop(): Promise<void>
}
