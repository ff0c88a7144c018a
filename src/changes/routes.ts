/**
 * The HTTP routes of the change feed: by page, with a wait for new changes, or as a live stream.
 * Over 200 lines because all three read the same pages.
 */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { ZodTypeProvider } from 'fastify-type-provider-zod'
import {
  type ByteBudget,
  type ByteReservation,
  maxPageBytes,
  type ReserveBytes,
  readPageWithinBudget,
} from '../api/byte-budget.ts'
import { type EventStream, openEventStream } from '../api/event-stream.ts'
import { tenantPath } from '../api/wire.ts'
import type { Database } from '../db/database.ts'
import { type TenantScope, withTenant } from '../db/scope.ts'
import { parseTenantId, type TenantId } from '../db/tenant-id.ts'
import { AppError, integrationNotFound } from '../lib/errors.ts'
import type { Log } from '../lib/log.ts'
import { requireTenant } from '../tenants/require-tenant.ts'
import {
  type Change,
  decodeFeedPosition,
  encodeFeedPosition,
  type FeedPosition,
  feedBeginning,
  feedPositionOf,
  presentChange,
} from './change.ts'
import type { ChangeNotifier } from './change-notifier.ts'
import { type ReadIssues, withIssues } from './included-issues.ts'
import { changesQuery, changesResponse } from './schema.ts'
import { findFeedEnd, readChanges, readOldestChanges } from './store.ts'

export interface ChangeRouteDependencies {
  db: Database
  notifier: ChangeNotifier
  log: Log
  bytes: ByteBudget
  readIssues: ReadIssues
  /** For a response that stays open: aborts when the caller loses access. */
  watchOf(request: FastifyRequest): AbortSignal
}

const tags = ['changes']
/** How much of a stream is read ahead of its reader: changes, and their bytes. */
const streamPage = { changes: 100, bytes: 256 * 1024 }
/** How long a stream waits for memory for its next page. */
const streamMaxWaitMs = 10_000
/** A stream whose reader takes nothing for this long is closed. */
const drainWithinMs = 60_000

const gone = () =>
  new AppError(
    'cursor_gone',
    'The changes after this cursor are no longer retained, or the database was restored from a backup taken before it; request after=now, read the issues again, and continue from there',
  )

const requireExisting = requireTenant(integrationNotFound)

interface PageLimits {
  changes: number
  bytes: number
}

interface ChangePage {
  changes: Change[]
  more: boolean
  /** The position after the last change read. */
  end: FeedPosition
}

/**
 * @param after absent: from the oldest retained change; now: no changes, only the feed's end
 * @param readIssues absent: changes without their issues
 * @throws AppError integration_not_found | cursor_gone
 */
async function readChangePage(
  db: Database,
  tenantId: TenantId,
  after: FeedPosition | 'now' | undefined,
  limits: PageLimits,
  reserve: ReserveBytes,
  readIssues: ReadIssues | undefined,
): Promise<ChangePage> {
  const within = <T>(work: (scope: TenantScope) => Promise<T>) =>
    withTenant(db, tenantId, async (scope) => {
      await requireExisting(scope)
      return await work(scope)
    })
  if (after === 'now') return { changes: [], more: false, end: await within(findFeedEnd) }
  const readUpTo = (bytes: number) =>
    within(async (scope) => {
      const atMost = limits.changes + 1
      const rows = after
        ? await readChanges(scope, after, atMost, bytes)
        : await readOldestChanges(scope, atMost, bytes)
      if (!rows) throw gone()
      return readIssues ? await withIssues(scope, readIssues, rows, { bytes }) : rows
    })
  const { rows, more } = await readPageWithinBudget(limits.changes, reserve, readUpTo, limits.bytes)
  const last = rows.at(-1)
  // The newest change is never deleted, so an empty feed never had any.
  const end = last ? feedPositionOf(last) : (after ?? feedBeginning)
  return { changes: rows, more, end }
}

const startPositionOf = (tenantId: TenantId, after: string | undefined) =>
  after === undefined || after === 'now' ? after : decodeFeedPosition(tenantId, after)

export function changeRoutes(instance: FastifyInstance, deps: ChangeRouteDependencies): void {
  const app = instance.withTypeProvider<ZodTypeProvider>()
  const { db, notifier } = deps

  app.get(
    '/api/hubspot/changes/:tenant_id',
    {
      // It may stay open while it waits, and as a stream until its reader disconnects.
      config: {
        access: 'read',
        stream: true,
        requestHeaders: ['Last-Event-ID'],
        errors: ['invalid_cursor', 'cursor_gone'],
        sends: ['text/event-stream', 'An event for each change'],
      },
      schema: {
        tags,
        operationId: 'changes.list',
        summary: 'List changes',
        description:
          'The changes of issues and integrations, each once and in commit order. With `include=issue`, a change of an issue has the issue as that change left it. With `Accept: text/event-stream`, the same as server-sent events: `event` is the type, `data` the change, `id` its cursor.',
        params: tenantPath,
        querystring: changesQuery,
        response: { 200: changesResponse },
      },
    },
    async (request, reply) => {
      const tenantId = parseTenantId(request.params.tenant_id)
      const { after, limit, wait, include } = request.query
      const readIssues = include === 'issue' ? deps.readIssues : undefined
      if (wantsStream(request))
        return await openStream({ ...deps, readIssues }, tenantId, after, request, reply)
      const mayRead = deps.watchOf(request)
      const until = wait === 0 ? undefined : AbortSignal.any([mayRead, AbortSignal.timeout(wait * 1_000)])
      const limits = { changes: limit, bytes: maxPageBytes }
      const readFrom = (position: FeedPosition | 'now' | undefined) =>
        readChangePage(
          db,
          tenantId,
          position,
          limits,
          (...reservation) => request.reserve(...reservation),
          readIssues,
        )
      let page = await readFrom(startPositionOf(tenantId, after))
      while (until && page.changes.length === 0 && !until.aborted) {
        // A waiting request reserves no memory.
        await request.reserve(0)
        await notifier.waitForChange(tenantId, page.end.seq, until)
        // The caller may have lost access while it waited.
        mayRead.throwIfAborted()
        page = await readFrom(page.end)
      }
      return {
        success: true as const,
        tenant_id: tenantId,
        changes: page.changes.map((one) => presentChange(tenantId, one)),
        has_more: page.more,
        next_after: encodeFeedPosition(tenantId, page.end),
      }
    },
  )
}

/** A HEAD request would wait for the end of a stream whose body it never receives. */
const wantsStream = ({ method, headers }: FastifyRequest) =>
  method === 'GET' && /(^|,)\s*text\/event-stream\s*(;|,|$)/i.test(headers.accept ?? '')

/** `readIssues` as for a page. */
type StreamDependencies = Omit<ChangeRouteDependencies, 'readIssues'> & { readIssues: ReadIssues | undefined }

/**
 * Reads the first page before the stream begins: a cursor that is gone gets an error response, not
 * a stream.
 */
async function openStream(
  deps: StreamDependencies,
  tenantId: TenantId,
  after: string | undefined,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<FastifyReply> {
  const seen = String(request.headers['last-event-id'] ?? '') || after
  const until = deps.watchOf(request)
  const memory = createStreamMemory(deps.bytes, tenantId, until)
  reply.raw.once('close', () => memory.release())
  const page = await readChangePage(
    deps.db,
    tenantId,
    startPositionOf(tenantId, seen),
    streamPage,
    memory.reserve,
    deps.readIssues,
  )
  reply.hijack()
  const stream = openEventStream(reply.raw, request.id, until)
  // Sends only an id, so that a reader that disconnects before the first change returns to this
  // position.
  if (page.changes.length === 0) stream.send(`id: ${encodeFeedPosition(tenantId, page.end)}\n\n`)
  void streamChanges(deps, tenantId, page, stream, until, memory).catch((err: unknown) => {
    // The reader reconnects with its last id, and gets the error then.
    deps.log.warn({ err, request_id: request.id }, 'a change stream failed')
    stream.end()
  })
  return reply
}

/** Writes the available changes and waits for more, no faster than the reader takes them. */
async function streamChanges(
  { db, notifier, readIssues }: StreamDependencies,
  tenantId: TenantId,
  first: ChangePage,
  stream: EventStream,
  until: AbortSignal,
  memory: StreamMemory,
): Promise<void> {
  const left = new AbortController()
  void stream.ended.then(() => left.abort())
  const over = AbortSignal.any([until, left.signal])
  for (let page = first; !over.aborted; ) {
    memory.waitsForReader(() => stream.drop())
    for (const one of page.changes) {
      const presented = presentChange(tenantId, one)
      stream.send(`id: ${presented.cursor}\nevent: ${presented.type}\ndata: ${JSON.stringify(presented)}\n\n`)
      await stream.drained(drainWithinMs)
      if (over.aborted) return
    }
    memory.release()
    if (!page.more) await notifier.waitForChange(tenantId, page.end.seq, over)
    if (over.aborted) return
    page = await readChangePage(db, tenantId, page.end, streamPage, memory.reserve, readIssues)
  }
}

interface StreamMemory {
  reserve: ReserveBytes
  waitsForReader(drop: () => void): void
  release(): void
}

/** The memory reserved for a stream's page, from before it is read until it is taken. */
function createStreamMemory(bytes: ByteBudget, tenantId: TenantId, signal: AbortSignal): StreamMemory {
  let reservation: ByteReservation | undefined
  return {
    async reserve(wanted, asking) {
      reservation?.release()
      reservation = await bytes.take(tenantId, wanted, signal, { ...asking, maxWaitMs: streamMaxWaitMs })
    },
    waitsForReader: (drop) => reservation?.waitsForCaller(drop),
    release: () => reservation?.release(),
  }
}
