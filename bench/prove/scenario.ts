/** What a scenario is, and what it may do: the types shared by all of them. */
import type { TestEmulator } from '../../test/support/emulator.ts'
import type { Verdict } from './oracle.ts'
import type { SpokeServer, SpokeTenant } from './spoke.ts'
import type { RunReport, SystemUnderTest } from './system.ts'

/** Which request; all that are given must fit. `path` is a part of it. */
export interface Match {
  method?: string
  path?: string
  query?: string
}

/**
 * List pages, live and archived; not the lists of properties and pipelines, whose paths end in `/tickets` too, and not the test
 * of the connection before a run, which names no properties.
 */
export const listCalls: Match = { method: 'GET', path: '/objects/', query: 'properties=' }
export const searchCalls: Match = { method: 'POST', path: '/tickets/search' }
export const batchReads: Match = { method: 'POST', path: '/tickets/batch/read' }
/** Everything about records and none of OAuth. */
export const crmCalls: Match = { path: '/crm/' }

/** One performance of a scenario, by one system, in a HubSpot of its own. */
export interface ScenarioContext {
  emulator: TestEmulator
  portal: number
  sut: SystemUnderTest
  /** Only where Spoke plays: its process, and its tenant. */
  spoke: { server: SpokeServer; tenant: SpokeTenant } | undefined

  /** A full run; the first one connects. */
  full(withinSeconds?: number): Promise<RunReport>
  incremental(withinSeconds?: number): Promise<RunReport>
  /** HubSpot's clock moves on. Without a number 5 minutes, the usual schedule. */
  later(seconds?: number): Promise<void>

  // biome-ignore lint/suspicious/noExplicitAny: an answer of the control API, looked into freely
  control(method: string, path: string, body?: unknown): Promise<any>
  /** Makes tickets and gives their ids. */
  create(body?: Record<string, unknown>): Promise<string[]>
  /** Changes tickets (`ids` or `count`) and gives their ids. */
  edit(body: Record<string, unknown>): Promise<string[]>
  /** Archives tickets, or with `permanent` deletes them for good. */
  remove(body: Record<string, unknown>): Promise<string[]>
  /** The first `count` live tickets by id. */
  someIds(count: number): Promise<string[]>
  fault(fault: Record<string, unknown>): Promise<{ id: string; hits(): number }>
  clearFaults(): Promise<void>

  /**
   * Runs, and while HubSpot is about to answer the request after the first `after` fitting ones, acts. `times` repeats it.
   */
  during(
    run: () => Promise<RunReport>,
    at: { match: Match; after?: number; times?: number },
    act: (time: number) => Promise<unknown>,
  ): Promise<RunReport>

  /** Calls HubSpot as another app with every scope; not counted. @throws Error unless it returns 2xx */
  // biome-ignore lint/suspicious/noExplicitAny: answers of many shapes are looked into
  hubspot(method: string, path: string, body?: unknown): Promise<any>
  /** What is wrong with the copy at this moment. */
  look(): Promise<Verdict>
  /**
   * Lets hours pass, for HubSpot's clock and for what waits by the database's. That one cannot be moved, so the times it
   * waits for come nearer while Spoke is stopped.
   */
  passHours(hours: number): Promise<void>

  /** From here on requests are counted; without it from the beginning. */
  count(): void
  /** Ends the counting, where the script continues. */
  countEnds(): void
  /** CRM calls since count(): tokens, owners, pipelines and properties apart. Each with its time on HubSpot's clock. */
  calls(): Call[]

  /** Something that must hold for Spoke besides the rows; it is not required of the naive sync. */
  check(what: string, holds: boolean | undefined): void
  /** These need not be right, because HubSpot never gave them whole. */
  exempt(ids: readonly string[]): void
}

export interface Call {
  method: string
  path: string
  query: Record<string, string>
  status: number
  time: number
  fault: string | null
}

export interface Scenario {
  name: string
  /** Where it was met: a public report, or a number of the fault catalogue. */
  source: string
  /** Switches of the emulator. */
  quirks?: Record<string, unknown>
  /** Fields of the account; 300 tickets by default. */
  portal?: Record<string, unknown>
  /** Scopes of the token. */
  scopes?: readonly string[]
  /** Spoke's environment, on top of the stage's. */
  env?: Record<string, string>
  /** Calls are limited as HubSpot limits them. Without it no limit is ever met. */
  limits?: Record<string, unknown>
  /** The least requests that the counted part can be done with, and why. */
  ideal: { requests: number; how: string }
  /** Above this many it fails. Without it the number is only printed. */
  atMost?: number
  /** Every property of HubSpot is compared, also with a sync that requests some. */
  everyProperty?: boolean
  /** Who connects by OAuth instead of a pasted token. */
  oauth?: 'stable' | 'rotating' | 'rotating_grace'
  /** Seconds for each run of the naive sync (20). */
  naiveWithin?: number
  /** Where the naive sync cannot take part, and why. */
  withoutNaive?: string
  script(context: ScenarioContext): Promise<void>
}
