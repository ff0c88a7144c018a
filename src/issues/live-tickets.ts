/** Reads tickets and their total count directly from HubSpot; no ticket is stored. */
import { decodeCursor, encodeCursor } from '../api/cursor.ts'
import type { Database } from '../db/database.ts'
import { withTenant } from '../db/scope.ts'
import { asAppError } from '../hubspot/as-app-error.ts'
import type { HubSpot, HubSpotAccess } from '../hubspot/client/client.ts'
import { HubSpotError } from '../hubspot/hubspot-error.ts'
import { countObjects, listLimit, listPage, type ObjectPaths, recordBytes } from '../hubspot/objects.ts'
import type { IntegrationRef } from '../integrations/integration.ts'
import { readOmittedProperties } from '../integrations/resource-store.ts'
import { readTicketTotal, saveTicketTotal } from '../integrations/store.ts'
import type { Tokens } from '../integrations/tokens/tokens.ts'
import type { Clock } from '../lib/clock.ts'
import { AppError } from '../lib/errors.ts'
import { safeLink } from './issue.ts'
import { omitRefusedProperties } from './omitted-properties.ts'
import { ticketKind } from './ticket-kind.ts'

export interface LiveTicketDependencies {
  db: Database
  hubspot: HubSpot
  tokens: Tokens
  clock: Clock
  /** Time limit for all calls of one request together, ms. */
  totalMs: number
}

/** As returned by HubSpot. */
export interface LiveTicket {
  id: string
  properties: Record<string, unknown>
  [field: string]: unknown
}

export interface LiveTickets {
  tickets: LiveTicket[]
  nextAfter: string | null
  /** HubSpot's own count; null if it was never available. */
  totalCount: number | null
  totalCountAt: Date | null
}

const totalFreshMs = 60_000
/**
 * Limit for all tickets of one response together; they arrive at HubSpot's pace, a few at a time.
 */
const maxBytes = 2 * 2 ** 20
/** Memory reserved per ticket before HubSpot is called; most tickets are shorter. */
const bytesPerTicket = 16 * 1024
const minBytes = 256 * 1024

/** Opaque, but restricted to characters that fit into a URL. */
const hubspotCursor = /^[\x21-\x7e]{1,512}$/

/**
 * Reads tickets until there are `limit` of them or the reserved memory is full; the cursor then
 * continues from there. A ticket that is longer than the whole reservation is returned alone.
 *
 * @param at.limit 1 to 1,000; HubSpot returns 100 per page, so up to ten calls
 * @param reserve reserves this many bytes, replacing the previous reservation
 * @throws AppError invalid_cursor and as Tokens.use; HubSpot's failures as converted by asAppError
 */
export async function listLiveTickets(
  deps: LiveTicketDependencies,
  ref: IntegrationRef,
  at: { limit: number; after: string | undefined },
  signal: AbortSignal,
  reserve: (bytes: number) => Promise<void>,
): Promise<LiveTickets> {
  const { hubspot, clock } = deps
  const start = at.after === undefined ? undefined : decodeCursor(ref.integrationId, at.after, hubspotCursor)
  const end = clock.monotonic() + deps.totalMs
  const retryLimits = () => ({ maxAttempts: 3, totalMs: Math.max(0, end - clock.monotonic()) })
  const budget = Math.min(maxBytes, Math.max(minBytes, at.limit * bytesPerTicket))
  const use = <T>(work: (access: HubSpotAccess) => Promise<T>) =>
    deps.tokens.use(ref, { retryLimits: retryLimits(), signal }, work)
  const read = (kind: ObjectPaths) =>
    use(async (access) => {
      await reserve(budget)
      const tickets: LiveTicket[] = []
      let after = start
      let left = budget
      const readSome = (limit: number, bytes: number) =>
        listPage(
          hubspot,
          kind,
          { after, limit },
          { access, retryLimits: retryLimits(), signal, maxBytes: bytes },
        )
      do {
        let page = await readSome(maxThatFit(at.limit, tickets.length, budget, left), left)
        if (page.records.some(isOversize)) {
          if (tickets.length > 0) break
          await reserve(recordBytes)
          page = await readSome(1, recordBytes)
          left = 0
        }
        tickets.push(...page.records.filter(isTicket).map(withSafeLink))
        after = page.after
        left -= page.bytes ?? 0
      } while (after !== undefined && tickets.length < at.limit && left >= minBytes)
      const total = await currentTotal(deps, ref, access, signal)
      return {
        tickets,
        nextAfter: after === undefined ? null : encodeCursor(ref.integrationId, after),
        totalCount: total?.count ?? null,
        totalCountAt: total?.at ?? null,
      }
    })
  try {
    const omitted = await withTenant(deps.db, ref.tenantId, (scope) =>
      readOmittedProperties(scope, ref.integrationId),
    )
    const kind = {
      ...ticketKind,
      properties: ticketKind.properties.filter((name) => !omitted.includes(name)),
    }
    return await read(kind).catch(async (error: unknown) => {
      const omit = { db: deps.db, hubspot, withAccess: use, retryLimits: retryLimits(), signal }
      const properties = await omitRefusedProperties(omit, ref, kind, error)
      if (!properties) throw error
      return await read({ ...ticketKind, properties })
    })
  } catch (error) {
    throw refusedCursor(error, at.after) ?? asAppError(error)
  }
}

const withSafeLink = (ticket: LiveTicket): LiveTicket =>
  'url' in ticket ? { ...ticket, url: safeLink(ticket.url) } : ticket

/** As many as are still needed, or as fit if they are as long as those before them. */
function maxThatFit(limit: number, have: number, budget: number, left: number): number {
  const wanted = Math.min(listLimit, limit - have)
  return have === 0 ? wanted : Math.max(1, Math.min(wanted, Math.ceil((left * have) / (budget - left))))
}

const isOversize = (record: unknown) => (record as { oversize?: unknown } | null)?.oversize === true

/** HubSpot returns 400 for a paging token that it does not accept. */
function refusedCursor(error: unknown, after: string | undefined): AppError | undefined {
  const refused = after !== undefined && error instanceof HubSpotError && error.kind === 'rejected'
  return refused
    ? new AppError('invalid_cursor', 'HubSpot no longer accepts this cursor; start again without it', {
        cause: error,
      })
    : undefined
}

/**
 * Records without HubSpot's shape are left out, so that one bad record does not fail the others.
 */
function isTicket(record: unknown): record is LiveTicket {
  const { id, properties } = (record ?? {}) as Record<string, unknown>
  return typeof id === 'string' && typeof properties === 'object' && properties !== null
}

/** HubSpot's count, at most a minute old; if HubSpot does not return it now, the last known one. */
async function currentTotal(
  deps: LiveTicketDependencies,
  ref: IntegrationRef,
  access: HubSpotAccess,
  signal: AbortSignal,
) {
  const read = () => withTenant(deps.db, ref.tenantId, (scope) => readTicketTotal(scope, ref.integrationId))
  const last = await read()
  if (last && last.age_ms < totalFreshMs) return last
  try {
    const retryLimits = { maxAttempts: 1, totalMs: 3_000 }
    const count = await countObjects(deps.hubspot, ticketKind, { access, retryLimits, signal })
    await withTenant(deps.db, ref.tenantId, (scope) => saveTicketTotal(scope, ref.integrationId, count))
    return await read()
  } catch (error) {
    if (error instanceof HubSpotError) return last
    throw error
  }
}
