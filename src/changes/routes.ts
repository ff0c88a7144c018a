/** The HTTP face of the change feed: page by page, waiting for news, or as a stream. */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { ZodTypeProvider } from 'fastify-type-provider-zod'
import { type ByteBudget, type Hold, pageBytes, type Reserve, readPageWithin } from '../api/byte-budget.ts'
import { type EventStream, openEventStream } from '../api/event-stream.ts'
import { problems, tenantPath } from '../api/wire.ts'
import type { Database } from '../db/database.ts'
import { type TenantScope, withTenant } from '../db/scope.ts'
import { parseTenantId, type TenantId } from '../db/tenant-id.ts'
import { AppError, integrationNotFound } from '../lib/errors.ts'
import type { Log } from '../lib/log.ts'
import { tenantExists } from '../tenants/store.ts'
import {
  beginning,
  type Change,
  decodePosition,
  encodePosition,
  type Position,
  positionOf,
  presentChange,
} from './change.ts'
import type { News } from './news.ts'
import { changesAnswer, changesQuery } from './schema.ts'
import { endOf, readChanges, readOldest } from './store.ts'

export interface ChangeParts {
  db: Database
  news: News
  log: Log
  bytes: ByteBudget
  /** For an answer that stays open: it ends with the caller's right to it. */
  watchOf(request: FastifyRequest): AbortSignal
}

const tags = ['changes']
/** Of a stream, read ahead of what its reader has taken: changes, and bytes of them. */
const streamPage = { changes: 100, bytes: 256 * 1024 }
/** A stream waits for room for its next page. */
const streamPatienceMs = 10_000
/** A reader of a stream that takes nothing for so long is let go. */
const takenWithinMs = 60_000

const gone = () =>
  new AppError(
    'cursor_gone',
    'What came after this cursor is not kept any more, or the database was restored to a time before it; read the issues again and go on from after=now',
  )

interface Page {
  changes: Change[]
  more: boolean
  /** Behind what was read. */
  end: Position
}

/**
 * @param after absent: from the oldest that is kept; now: nothing, and where the feed ends
 * @throws AppError integration_not_found | cursor_gone
 */
async function read(
  db: Database,
  tenantId: TenantId,
  after: Position | 'now' | undefined,
  most: { changes: number; bytes: number },
  reserve: Reserve,
): Promise<Page> {
  const within = <T>(work: (scope: TenantScope) => Promise<T>) =>
    withTenant(db, tenantId, async (scope) => {
      if (!(await tenantExists(scope))) throw integrationNotFound()
      return await work(scope)
    })
  if (after === 'now') return { changes: [], more: false, end: await within(endOf) }
  const readUpTo = (bytes: number) =>
    within(async (scope) => {
      const atMost = most.changes + 1
      const rows = after
        ? await readChanges(scope, after, atMost, bytes)
        : await readOldest(scope, atMost, bytes)
      if (!rows) throw gone()
      return rows
    })
  const { rows, more } = await readPageWithin(most.changes, reserve, readUpTo, most.bytes)
  const last = rows.at(-1)
  // The newest is never deleted: where there is nothing there never was anything.
  const end = last ? positionOf(last) : (after ?? beginning)
  return { changes: rows, more, end }
}

const placeOf = (tenantId: TenantId, after: string | undefined) =>
  after === undefined || after === 'now' ? after : decodePosition(tenantId, after)

export function changeRoutes(instance: FastifyInstance, parts: ChangeParts): void {
  const app = instance.withTypeProvider<ZodTypeProvider>()
  const { db, news } = parts

  app.get(
    '/api/hubspot/changes/:tenant_id',
    {
      // It may stay open for as long as it waits, and as a stream for as long as its reader stays.
      config: { access: 'read', stream: true },
      schema: {
        tags,
        operationId: 'changes.list',
        description:
          'What became of issues and integrations, each change once and in the order in which it was committed. With `Accept: text/event-stream` the same as server-sent events: `event` is the type, `data` the change, `id` the cursor behind it.',
        params: tenantPath,
        querystring: changesQuery,
        response: { 200: changesAnswer, ...problems },
      },
    },
    async (request, reply) => {
      const tenantId = parseTenantId(request.params.tenant_id)
      const { after, limit, wait } = request.query
      if (wantsStream(request)) return await openStream(parts, tenantId, after, request, reply)
      const may = parts.watchOf(request)
      const until = wait === 0 ? undefined : AbortSignal.any([may, AbortSignal.timeout(wait * 1_000)])
      const most = { changes: limit, bytes: pageBytes }
      const readFrom = (place: Position | 'now' | undefined) =>
        read(db, tenantId, place, most, (...room) => request.reserve(...room))
      let page = await readFrom(placeOf(tenantId, after))
      while (until && page.changes.length === 0 && !until.aborted) {
        // Whoever waits keeps no room.
        await request.reserve(0)
        await news.beyond(tenantId, page.end.seq, until)
        // Who waits may by now be somebody who may not.
        may.throwIfAborted()
        page = await readFrom(page.end)
      }
      return {
        success: true as const,
        tenant_id: tenantId,
        changes: page.changes.map((one) => presentChange(tenantId, one)),
        has_more: page.more,
        next_after: encodePosition(tenantId, page.end),
      }
    },
  )
}

/** A HEAD would wait for the end of a stream of which it is given nothing. */
const wantsStream = ({ method, headers }: FastifyRequest) =>
  method === 'GET' && /(^|,)\s*text\/event-stream\s*(;|,|$)/i.test(headers.accept ?? '')

/** What stands behind the cursor is read first: a cursor that is gone is an answer, and no stream. */
async function openStream(
  parts: ChangeParts,
  tenantId: TenantId,
  after: string | undefined,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<FastifyReply> {
  const seen = String(request.headers['last-event-id'] ?? '') || after
  const until = parts.watchOf(request)
  const room = createRoom(parts.bytes, tenantId, until)
  reply.raw.once('close', () => room.release())
  const page = await read(parts.db, tenantId, placeOf(tenantId, seen), streamPage, room.reserve)
  reply.hijack()
  const stream = openEventStream(reply.raw, request.id, until)
  // Says nothing, but whoever leaves before the first change comes back to this place.
  if (page.changes.length === 0) stream.say(`id: ${encodePosition(tenantId, page.end)}\n\n`)
  void follow(parts, tenantId, page, stream, until, room).catch((err: unknown) => {
    // The reader comes back with what it saw last, and is told then.
    parts.log.warn({ err, request_id: request.id }, 'a stream of changes broke off')
    stream.end()
  })
  return reply
}

/** Says what there is and waits for more, no faster than it is taken. */
async function follow(
  { db, news }: ChangeParts,
  tenantId: TenantId,
  first: Page,
  stream: EventStream,
  until: AbortSignal,
  room: Room,
): Promise<void> {
  const left = new AbortController()
  void stream.ended.then(() => left.abort())
  const over = AbortSignal.any([until, left.signal])
  for (let page = first; !over.aborted; ) {
    room.waitsForReader(() => stream.drop())
    for (const one of page.changes) {
      const presented = presentChange(tenantId, one)
      stream.say(`id: ${presented.cursor}\nevent: ${presented.type}\ndata: ${JSON.stringify(presented)}\n\n`)
      await stream.taken(takenWithinMs)
      if (over.aborted) return
    }
    room.release()
    if (!page.more) await news.beyond(tenantId, page.end.seq, over)
    if (over.aborted) return
    page = await read(db, tenantId, page.end, streamPage, room.reserve)
  }
}

interface Room {
  reserve: Reserve
  waitsForReader(drop: () => void): void
  release(): void
}

/** The memory of a stream's page, from before it is read until it was taken. */
function createRoom(bytes: ByteBudget, tenantId: TenantId, signal: AbortSignal): Room {
  let hold: Hold | undefined
  return {
    async reserve(wanted, asking) {
      hold?.release()
      hold = await bytes.take(tenantId, wanted, signal, { ...asking, patienceMs: streamPatienceMs })
    },
    waitsForReader: (drop) => hold?.waitsForCaller(drop),
    release: () => hold?.release(),
  }
}
