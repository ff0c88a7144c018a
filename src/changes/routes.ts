/** The HTTP face of the change feed: page by page, waiting for news, or as a stream. */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { ZodTypeProvider } from 'fastify-type-provider-zod'
import type { z } from 'zod'
import type { Database } from '../lib/db.ts'
import { AppError, integrationNotFound } from '../lib/errors.ts'
import { type EventStream, openEventStream } from '../lib/event-stream.ts'
import type { Log } from '../lib/log.ts'
import { problems, tenantPath } from '../lib/wire.ts'
import { withTenant } from '../tenants/scope.ts'
import { tenantExists } from '../tenants/store.ts'
import { parseTenantId, type TenantId } from '../tenants/tenant.ts'
import { type Change, decodePosition, encodePosition, type Position, positionOf } from './change.ts'
import type { News } from './news.ts'
import { type change, changesAnswer, changesQuery } from './schema.ts'
import { endOf, readChanges, readOldest } from './store.ts'

export interface ChangeParts {
  db: Database
  news: News
  log: Log
  /** For an answer that stays open: it ends with the caller's right to it. */
  watchOf(request: FastifyRequest): AbortSignal
}

const tags = ['changes']
/** Of a stream, read ahead of what its reader has taken. */
const streamPage = 100

/** @throws AppError cursor_gone */
const gone = () =>
  new AppError(
    'cursor_gone',
    'What came after this cursor is not kept any more, or the database was restored to a time before it; read the issues again and go on from after=now',
  )

function present(tenantId: TenantId, one: Change): z.infer<typeof change> {
  const { changed, ...detail } = one.detail ?? {}
  return {
    cursor: encodePosition(tenantId, positionOf(one)),
    change_id: one.changeId,
    type: one.type,
    at: one.at.toISOString(),
    integration_id: one.integrationId,
    issue_id: one.issueId,
    ticket_id: one.ticketId,
    ...(changed ? { changed: changed as z.infer<typeof change>['changed'] } : {}),
    detail: Object.keys(detail).length > 0 ? detail : null,
  }
}

interface Page {
  changes: Change[]
  more: boolean
  /** Behind what was read. */
  end: Position
}

/** @param after absent: from the oldest that is kept; now: nothing, and where the feed ends */
async function read(
  db: Database,
  tenantId: TenantId,
  after: Position | 'now' | undefined,
  most: number,
): Promise<Page> {
  return await withTenant(db, tenantId, async (scope) => {
    if (!(await tenantExists(scope))) throw integrationNotFound()
    if (after === 'now') return { changes: [], more: false, end: await endOf(scope) }
    const rows = after ? await readChanges(scope, after, most + 1) : await readOldest(scope, most + 1)
    if (!rows) throw gone()
    const changes = rows.slice(0, most)
    const last = changes.at(-1)
    // Whoever began at the oldest and found nothing is at the beginning.
    const end = last ? positionOf(last) : (after ?? (await endOf(scope)))
    return { changes, more: rows.length > most, end }
  })
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
      const until = wait === 0 ? undefined : waitAtMost(parts.watchOf(request), wait * 1_000)
      let page = await read(db, tenantId, placeOf(tenantId, after), limit)
      while (until && page.changes.length === 0 && !until.aborted) {
        await news.beyond(tenantId, page.end.seq, until)
        page = await read(db, tenantId, page.end, limit)
      }
      return {
        success: true as const,
        tenant_id: tenantId,
        changes: page.changes.map((one) => present(tenantId, one)),
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
  const page = await read(parts.db, tenantId, placeOf(tenantId, seen), streamPage)
  const until = parts.watchOf(request)
  reply.hijack()
  const stream = openEventStream(reply.raw, request.id, until)
  void follow(parts, tenantId, page, stream, until).catch((err: unknown) => {
    // The reader comes back with what it saw last, and is told then.
    parts.log.warn({ err, request_id: request.id }, 'a stream of changes broke off')
    stream.end()
  })
  return reply
}

const waitAtMost = (signal: AbortSignal, ms: number) => AbortSignal.any([signal, AbortSignal.timeout(ms)])

/** Says what there is and waits for more, no faster than it is taken. */
async function follow(
  { db, news }: ChangeParts,
  tenantId: TenantId,
  first: Page,
  stream: EventStream,
  until: AbortSignal,
): Promise<void> {
  const left = new AbortController()
  void stream.ended.then(() => left.abort())
  const over = AbortSignal.any([until, left.signal])
  for (let page = first; !over.aborted; ) {
    for (const one of page.changes) {
      const told = present(tenantId, one)
      stream.say(`id: ${told.cursor}\nevent: ${told.type}\ndata: ${JSON.stringify(told)}\n\n`)
    }
    await stream.taken()
    if (!page.more) await news.beyond(tenantId, page.end.seq, over)
    if (over.aborted) return
    page = await read(db, tenantId, page.end, streamPage)
  }
}
