// Faults on order: which requests they hit, how often, and what they do to the answer.
import type { Quirks } from '../quirks.ts'
import { unit } from '../random.ts'
import { limited, type Policy } from './limited.ts'
import { edgePage, problem, type Reply, refused } from './reply.ts'

export const FAULT_KINDS = [
  'status',
  'forbidden',
  'rate_limit',
  'delay',
  'truncate',
  'invalid_json',
  'html',
  'empty',
  'reset',
  'hang',
  'drip',
  'omit',
  'stuck_cursor',
] as const
export type FaultKind = (typeof FAULT_KINDS)[number]

export type NewFault = {
  match?: { method?: string; path?: string; query?: string; portal_id?: number; body?: string }
  kind: FaultKind
  // 'after' lets HubSpot do the work and loses the answer; 'before' fails without having done anything.
  phase?: 'before' | 'after'
  status?: number
  // Of `forbidden`.
  category?: string
  body?: unknown
  headers?: Record<string, string>
  policy?: Policy
  retry_after?: number
  delay_ms?: number
  // Of delay: so much more for each record of the answer.
  per_record_ms?: number
  // Of omit: so many results stay.
  keep?: number
  times?: number | null
  after?: number
  probability?: number
}

export type Fault = NewFault & {
  id: string
  phase: 'before' | 'after'
  left: number | null
  skip: number
  seen: number
  hits: number
}

export type Subject = { method: string; path: string; query: string; portal_id: number | null; body: Buffer }

export type Faults = ReturnType<typeof createFaults>

export function createFaults(seed: number) {
  const all = new Map<string, Fault>()
  let made = 0

  function add(input: NewFault): Fault {
    if (!FAULT_KINDS.includes(input.kind)) throw new Error(`kind must be one of ${FAULT_KINDS.join(', ')}`)
    made += 1
    const fault: Fault = {
      ...input,
      id: `f${made}`,
      phase: input.phase ?? 'before',
      left: input.times === undefined ? 1 : input.times,
      skip: input.after ?? 0,
      seen: 0,
      hits: 0,
    }
    all.set(fault.id, fault)
    return fault
  }

  // The first fault that fits, in the order they were made; a delay also lets a second fault act.
  function take(subject: Subject): Fault[] {
    const taken: Fault[] = []
    for (const fault of all.values()) {
      if (!fits(fault, subject) || (fault.left !== null && fault.left <= 0)) continue
      fault.seen += 1
      if (fault.skip > 0) {
        fault.skip -= 1
        continue
      }
      if (
        fault.probability !== undefined &&
        unit(seed, fault.seen, fault.id.length, made) >= fault.probability
      )
        continue
      if (fault.left !== null) fault.left -= 1
      fault.hits += 1
      taken.push(fault)
      if (fault.kind !== 'delay') break
    }
    return taken
  }

  return {
    add,
    take,
    get: (id: string) => all.get(id),
    list: () => [...all.values()],
    remove: (id: string) => all.delete(id),
    clear: () => all.clear(),
  }
}

function fits(fault: Fault, { method, path, query, portal_id, body }: Subject): boolean {
  const { match = {} } = fault
  if (match.method && match.method.toUpperCase() !== method) return false
  if (match.path && !path.includes(match.path)) return false
  if (match.query && !query.includes(match.query)) return false
  if (match.body && !body.includes(match.body)) return false
  return match.portal_id === undefined || match.portal_id === portal_id
}

// The reply of a fault that answers with something of its own; null when it works on the true answer or on the socket.
export function faultReply(fault: Fault, quirks: Quirks): Reply | null {
  const headers = fault.retry_after === undefined ? {} : { 'retry-after': String(fault.retry_after) }
  switch (fault.kind) {
    case 'status':
      return withHeaders(statusReply(fault.status ?? 500, fault.body), { ...headers, ...fault.headers })
    case 'forbidden':
      return withHeaders(refused(fault.category ?? 'BANNED'), headers)
    case 'rate_limit':
      return withHeaders(limited(fault.policy ?? 'ten_secondly', null, quirks, null), headers)
    case 'html':
      return withHeaders(edgePage(fault.status ?? 502, PAGES[fault.status ?? 502] ?? 'Bad gateway'), headers)
    case 'empty':
      return withHeaders(
        { status: fault.status ?? 200, text: '', contentType: 'application/json;charset=utf-8' },
        headers,
      )
    default:
      return null
  }
}

// Kinds that do something to the true answer.
export const SPOILS: readonly FaultKind[] = ['truncate', 'invalid_json', 'drip', 'omit', 'stuck_cursor']

// The true answer without a part of its results, and without a word about them.
export function omitted(reply: Reply, keep = 0): Reply {
  const {
    results,
    errors: _named,
    numErrors: _counted,
    ...rest
  } = (reply.json ?? {}) as Record<string, unknown>
  if (!Array.isArray(results)) return reply
  return { ...reply, status: 200, json: { ...rest, results: results.slice(0, keep) } }
}

// Associations read by batch: the list of each record goes on, always at the same place.
export function stuck(reply: Reply): Reply {
  const json = (reply.json ?? {}) as Record<string, unknown>
  if (!Array.isArray(json.results)) return reply
  const results = json.results.map((one) => ({ ...one, paging: { next: { after: '0' } } }))
  return { ...reply, json: { ...json, results } }
}

function withHeaders(reply: Reply, headers: Record<string, string>): Reply {
  return { ...reply, headers: { ...reply.headers, ...headers } }
}

// The page by which the edge shuts out an address is a 403.
const PAGES: Record<number, string> = { 401: 'Unauthorized', 403: 'Forbidden', 404: 'Not Found' }

const EDGE: Record<number, string> = {
  520: 'Web server is returning an unknown error',
  521: 'Web server is down',
  522: 'Connection timed out',
  523: 'Origin is unreachable',
  524: 'A timeout occurred',
  525: 'SSL handshake failed',
  526: 'Invalid SSL certificate',
}

// 52x come from the edge as a page; the rest in HubSpot's own shape.
function statusReply(status: number, body: unknown): Reply {
  if (typeof body === 'string') return { status, text: body, contentType: 'application/json;charset=utf-8' }
  if (body !== undefined) return { status, json: body }
  if (EDGE[status]) return edgePage(status, EDGE[status])
  switch (status) {
    case 423:
      return problem(
        423,
        'The record is locked because of a high volume of writes. Please try again later.',
        { category: 'LOCKED' },
      )
    case 477:
      return problem(
        477,
        'This account is being migrated between data hosting locations. Please try again later.',
        { category: 'MIGRATION_IN_PROGRESS' },
      )
    case 500:
      return problem(500, 'internal error', { category: 'INTERNAL_ERROR' })
    case 502:
    case 503:
    case 504:
      return problem(status, 'Service unavailable or timed out. Please try again.', {
        category: 'SERVICE_UNAVAILABLE',
      })
    default:
      return problem(status, `HTTP ${status}`)
  }
}
