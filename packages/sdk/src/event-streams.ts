/**
 * Streams that survive their connections: each new connection continues after the last event by Last-Event-ID. Where
 * server-sent events do not come through, the change feed is read by long polls.
 */
import type { Caller } from './call.ts'
import { operations } from './generated/operations.ts'
import type { components } from './generated/schema.ts'
import type { OperationFacts } from './operation-types.ts'
import { sleep } from './retry.ts'
import { readEvents } from './server-sent-events.ts'
import {
  arrived,
  type FollowOptions,
  mayPoll,
  NoEventStream,
  newStreamState,
  type StreamState,
  waitAfter,
} from './stream-recovery.ts'

export type { FollowOptions }
export type Change = components['schemas']['Change']
export type SyncEvent = components['schemas']['SyncEvent']
type ChangesPage = components['schemas']['ChangesListResponse']

export interface ChangeStreamOptions extends FollowOptions {
  /** A cursor, or `now`. Absent: from the oldest change that Spoke still stores. */
  after?: string | undefined
  /** Each change of an issue has the issue as the change left it. */
  include?: 'issue' | undefined
  /** `auto`: server-sent events, and long polls where these do not come through. */
  transport?: 'auto' | 'events' | 'poll' | undefined
}

export interface StreamPeriods {
  /** How long a connection may bring nothing at first: Spoke sends at once, a proxy that collects a response does not. */
  firstMs: number
  /** How long it may bring nothing later: Spoke sends at least a comment every 15 seconds. */
  silentMs: number
}

const defaultPeriods: StreamPeriods = { firstMs: 15_000, silentMs: 45_000 }
const pollSeconds = 25

/** The changes after a cursor, without end. @throws SpokeError `cursor_gone` and others that a repeat does not mend */
export async function* streamChanges(
  caller: Caller,
  tenantId: string,
  { after, include, transport = 'auto', ...given }: ChangeStreamOptions = {},
  periods: StreamPeriods = defaultPeriods,
): AsyncGenerator<Change, void, undefined> {
  const options = { ...given, signal: caller.signalWith(given.signal) }
  const path = { tenant_id: tenantId }
  const facts = operations['changes.list']
  const state = newStreamState(transport === 'poll')
  let lastId: string | undefined
  for (;;) {
    try {
      if (state.polls) {
        const began = Date.now()
        const query = { after: lastId ?? after, include, wait: pollSeconds }
        const parts = { path, query, attempts: 1 }
        const page = (await caller.call(facts, parts, { signal: options.signal })) as ChangesPage
        arrived(state)
        for (const change of page.changes) {
          lastId = change.cursor
          yield change
        }
        lastId = page.next_after
        // A server that did not wait is not asked again and again.
        if (page.changes.length === 0 && Date.now() - began < 1_000) await sleep(1_000, options.signal)
        continue
      }
      const parts = { path, query: lastId === undefined ? { after, include } : { include } }
      for await (const { id, data } of connect(
        caller,
        facts,
        parts,
        lastId,
        state,
        periods,
        options.signal,
      )) {
        if (id !== undefined) lastId = id
        if (data !== undefined) yield JSON.parse(data) as Change
      }
      await sleep(Math.random() * caller.retry.baseMs, options.signal)
    } catch (error) {
      if (transport === 'auto' && !state.polls && mayPoll(error, state)) state.polls = true
      else await waitAfter(error, state, caller, options)
    }
  }
}

/** The states of a run, until it has ended; the last one has a `finished_at`. */
export async function* followRun(
  caller: Caller,
  path: Record<string, string>,
  given: FollowOptions = {},
): AsyncGenerator<SyncEvent, void, undefined> {
  const options = { ...given, signal: caller.signalWith(given.signal) }
  const state = newStreamState()
  let lastId: string | undefined
  for (;;) {
    try {
      const facts = operations['sync.events']
      for await (const { id, data } of connect(
        caller,
        facts,
        { path },
        lastId,
        state,
        defaultPeriods,
        options.signal,
      )) {
        if (id !== undefined) lastId = id
        if (data === undefined) continue
        const run = JSON.parse(data) as SyncEvent
        yield run
        if (run.finished_at !== null) return
      }
      await sleep(Math.random() * caller.retry.baseMs, options.signal)
    } catch (error) {
      await waitAfter(error, state, caller, options)
    }
  }
}

/** The events of one connection. */
async function* connect(
  caller: Caller,
  facts: OperationFacts,
  parts: { path: Record<string, string>; query?: object },
  lastId: string | undefined,
  state: StreamState,
  periods: StreamPeriods,
  signal: AbortSignal | undefined,
) {
  // Ends the connection when the reader leaves in the middle.
  const left = new AbortController()
  const headers = {
    accept: 'text/event-stream',
    ...(lastId === undefined ? {} : { 'last-event-id': lastId }),
  }
  const until = signal ? AbortSignal.any([signal, left.signal]) : left.signal
  try {
    const response = (await caller.call(
      facts,
      { ...parts, headers, raw: true, attempts: 1 },
      { signal: until, timeoutMs: periods.firstMs },
    )) as Response
    if (!response.body || !/^text\/event-stream\b/i.test(response.headers.get('content-type') ?? ''))
      throw new NoEventStream('the response is no stream of events')
    yield* readEvents(response.body, periods, () => arrived(state))
  } catch (error) {
    signal?.throwIfAborted()
    throw error
  } finally {
    left.abort()
  }
}
