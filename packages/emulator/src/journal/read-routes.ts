// The paths by which an app reads its journal, and the addresses of its files, which need no token.
import { createHmac } from 'node:crypto'
import { instant } from '../clock.ts'
import { type AppCall, asReader } from '../http/app-call.ts'
import { type Call, jsonBody, missingFields } from '../http/call.ts'
import { invalid, problem, type Reply } from '../http/reply.ts'
import type { Route } from '../http/router.ts'
import type { App } from '../token-types.ts'
import { fileText, type JournalFile } from './files.ts'

const BASE = '/webhooks-journal/{feed:journal|journal-local}/{version:2026-03|2026-09}'
// The true ones are of a store of files; no path of HubSpot's API looks like this.
const FILES = '/journal-files/{clientId}/{offset}'
const MOST_FILES = 100

function route(method: string, rest: string, handle: (call: AppCall) => Reply): Route {
  return {
    method,
    pattern: BASE + rest,
    auth: 'none',
    handle: asReader('read', handle),
  }
}

export const journalReadRoutes: readonly Route[] = [
  route('GET', '/earliest', (call) => one(call, filesOf(call).earliest(1, portalOf(call)))),
  route('GET', '/latest', (call) => one(call, filesOf(call).latest(1, portalOf(call)))),
  route('GET', '/offset/{offset}/next', (call) => after(call, 1, one)),
  route('GET', '/batch/earliest/{count}', (call) =>
    many(call, filesOf(call).earliest(countOf(call), portalOf(call))),
  ),
  route('GET', '/batch/latest/{count}', (call) =>
    many(call, filesOf(call).latest(countOf(call), portalOf(call))),
  ),
  route('GET', '/batch/{offset}/next/{count}', (call) => after(call, countOf(call), many)),
  route('POST', '/batch/read', readMany),
  { method: 'GET', pattern: FILES, auth: 'none', handle: serveFile },
]

const filesOf = ({ world, app }: AppCall) => world.journal.of(app).files

function portalOf({ query }: Call): number | null {
  const given = query.get('installPortalId')
  if (given === null || given === '') return null
  return /^\d{1,12}$/.test(given) ? Number(given) : invalid('installPortalId must be a whole number')
}

function countOf({ params }: Call): number {
  const count = Number(params.count)
  if (Number.isSafeInteger(count) && count >= 1 && count <= MOST_FILES) return count
  return invalid(`count must be a whole number from 1 to ${MOST_FILES}`)
}

// Nothing newer is no error: the reader is at the end.
function one(call: AppCall, [file]: readonly JournalFile[]): Reply {
  return file ? { status: 200, json: show(call, file) } : { status: 204 }
}

function many(call: AppCall, files: readonly JournalFile[]): Reply {
  return batch(
    call,
    files.map((file) => show(call, file)),
  )
}

function after(
  call: AppCall,
  count: number,
  answer: (call: AppCall, files: readonly JournalFile[]) => Reply,
): Reply {
  const { world, params } = call
  const found = filesOf(call).after(params.offset ?? '', count, portalOf(call))
  if (found) return answer(call, found)
  // What becomes of a reader that was away for longer than files are kept is undocumented: a switch.
  if (world.quirks.journal_lost_offset === 'earliest')
    return answer(call, filesOf(call).earliest(count, portalOf(call)))
  return lost(params.offset ?? '')
}

function lost(offset: string): Reply {
  return problem(404, 'Journal offset not found', {
    category: 'OBJECT_NOT_FOUND',
    context: { offset: [offset.slice(0, 100)] },
  })
}

function readMany(call: AppCall): Reply {
  const { inputs } = jsonBody(call)
  if (!Array.isArray(inputs)) return missingFields('inputs')
  if (inputs.length > MOST_FILES) return invalid(`No more than ${MOST_FILES} inputs are allowed`)
  if (!inputs.every((one) => typeof one === 'string')) return invalid('inputs must be a list of offsets')
  const offsets = inputs as string[]
  const found = offsets.map((offset) => filesOf(call).find(offset))
  const results = found.flatMap((file) => (file ? [show(call, file)] : []))
  const missing = offsets.filter((_, i) => !found[i])
  return batch(call, results, missing)
}

function batch(call: AppCall, results: unknown[], missing: readonly string[] = []): Reply {
  const now = instant(call.world.clock.now())
  const errors = missing.map((offset) => ({
    status: 'error',
    category: 'OBJECT_NOT_FOUND',
    message: 'Journal offset not found',
    context: { offset: [offset.slice(0, 100)] },
  }))
  return {
    status: errors.length > 0 ? 207 : 200,
    json: {
      status: 'COMPLETE',
      results,
      ...(errors.length > 0 ? { numErrors: errors.length, errors } : {}),
      startedAt: now,
      completedAt: now,
    },
  }
}

function show(call: AppCall, file: JournalFile): Record<string, unknown> {
  const { world, app, headers } = call
  const expires = Math.trunc(world.clock.now() + world.journal.settings.url_ttl_ms)
  const portal = portalOf(call)
  const query = new URLSearchParams({
    ...(portal === null ? {} : { portal: String(portal) }),
    expires: String(expires),
    signature: sign(app, file.offset, portal, expires),
  })
  const path = `/journal-files/${encodeURIComponent(app.client_id)}/${file.offset}`
  return {
    currentOffset: file.offset,
    expiresAt: instant(expires),
    url: `http://${headers.host ?? 'localhost'}${path}?${query}`,
  }
}

// Whoever has the address may read the file until it expires, and nobody can make one up.
function sign(app: App, offset: string, portal: number | null, expires: number): string {
  return createHmac('sha256', `journal ${app.client_secret}`)
    .update(`${offset} ${portal ?? ''} ${expires}`)
    .digest('hex')
}

function serveFile({ world, params, query }: Call): Reply {
  const app = world.tokens.apps.get(params.clientId ?? '')
  const given = query.get('portal')
  const portal = given === null ? null : Number(given)
  const expires = Number(query.get('expires'))
  const right = app && query.get('signature') === sign(app, params.offset ?? '', portal, expires)
  if (!right) return storeError(403, 'AccessDenied', 'Access Denied')
  if (expires <= world.clock.now()) return storeError(403, 'AccessDenied', 'Request has expired')
  const file = world.journal.of(app).files.find(params.offset ?? '')
  if (!file) return storeError(404, 'NoSuchKey', 'The specified key does not exist.')
  return { status: 200, text: fileText(file, portal), contentType: 'application/json' }
}

function storeError(status: number, code: string, message: string): Reply {
  return {
    status,
    contentType: 'application/xml',
    text: `<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>${code}</Code><Message>${message}</Message></Error>`,
  }
}
