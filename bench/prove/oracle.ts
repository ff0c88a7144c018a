/**
 * What is wrong with a copy: HubSpot's truth on one side, the rows of a sync on the other. Pure, so that it is itself
 * tested by planting differences (test/bench/oracle.test.ts): an oracle that sees nothing would prove everything.
 */

/** A ticket as HubSpot has it now. */
export interface TrueTicket {
  id: string
  properties: Record<string, string | null>
  /** The id of the ticket it was merged into, which may itself be merged away by now. */
  mergedInto: string | null
}

/** A ticket that was deleted permanently is in neither. */
export interface Truth {
  live: Map<string, TrueTicket>
  archived: Map<string, TrueTicket>
  /** Tickets that were merged away are not returned: only their survivor is known, not their last values. */
  losersHidden?: boolean
  /** Properties that HubSpot computes on read: there is no expected value for a copy. */
  computed?: ReadonlySet<string>
}

/** A ticket as a sync has it. Several rows of one id are possible, and a fault. */
export interface KeptRow {
  id: string
  state: 'live' | 'archived'
  properties: Record<string, unknown>
  /** undefined where a sync does not know merges; then it is not compared. */
  mergedInto?: string | null
}

/** Each entry names the ticket and, behind a colon, why. */
export interface Verdict {
  /** Live in HubSpot and not live here. */
  missing: string[]
  /** There, with another value than HubSpot's, or pointing to a wrong survivor. */
  stale: string[]
  /** Live here and not in HubSpot. */
  ghost: string[]
  /** A second row of one ticket. */
  duplicate: string[]
}

export interface Question {
  /** The properties that are compared; absent: all that either side knows. */
  properties?: readonly string[] | undefined
  /** Ids that may be there or not, because HubSpot never gave them whole. */
  exempt?: ReadonlySet<string>
}

export const verdictFields = ['missing', 'stale', 'ghost', 'duplicate'] as const

export const isClean = (verdict: Verdict) => verdictFields.every((field) => verdict[field].length === 0)

export function compare(truth: Truth, rows: readonly KeptRow[], question: Question = {}): Verdict {
  const { properties, exempt } = question
  const verdict: Verdict = { missing: [], stale: [], ghost: [], duplicate: [] }
  const kept = new Map<string, KeptRow>()
  for (const row of rows) {
    if (kept.has(row.id)) verdict.duplicate.push(row.id)
    // The worse one counts: a live ghost is not hidden by a second row that is right.
    if (kept.get(row.id)?.state !== 'live') kept.set(row.id, row)
  }
  for (const [id, ticket] of truth.live) {
    if (exempt?.has(id)) continue
    const row = kept.get(id)
    if (!row) verdict.missing.push(`${id}: not stored`)
    else if (row.state !== 'live') verdict.missing.push(`${id}: stored as archived`)
    else pushStale(verdict, ticket, row, properties, truth)
  }
  for (const [id, row] of kept) {
    if (truth.live.has(id) || exempt?.has(id)) continue
    const gone = truth.archived.get(id)
    if (row.state === 'live') verdict.ghost.push(`${id}: ${whyGone(gone)}`)
    else if (gone) pushStale(verdict, gone, row, properties, truth)
  }
  return verdict
}

function whyGone(gone: TrueTicket | undefined): string {
  if (!gone) return 'HubSpot knows no such ticket'
  return gone.mergedInto ? `merged into ${gone.mergedInto}` : 'archived'
}

function pushStale(
  verdict: Verdict,
  ticket: TrueTicket,
  row: KeptRow,
  properties: readonly string[] | undefined,
  truth: Truth,
): void {
  const unseen = truth.losersHidden && ticket.mergedInto !== null
  const all = properties ?? new Set([...Object.keys(ticket.properties), ...Object.keys(row.properties)])
  const wrong = (unseen ? [] : [...all]).filter(
    (name) => !truth.computed?.has(name) && !same(ticket.properties[name], row.properties[name]),
  )
  if (wrong.length > 0) verdict.stale.push(`${ticket.id}: ${wrong.slice(0, 5).join(', ')}`)
  else if (row.mergedInto !== undefined && last(row.mergedInto, truth) !== last(ticket.mergedInto, truth))
    verdict.stale.push(`${ticket.id}: merged_into ${row.mergedInto} and not ${ticket.mergedInto}`)
}

/** In a chain of merges a row may point to the next ticket or to the last; both lead to the same survivor. */
function last(id: string | null, truth: Truth): string | null {
  let at = id
  for (let steps = 0; at !== null && steps < 50; steps++) {
    const next = truth.archived.get(at)?.mergedInto
    if (!next) return at
    at = next
  }
  return at
}

function same(truth: string | null | undefined, kept: unknown): boolean {
  const [one, other] = [repaired(truth), repaired(kept)]
  if (one === other) return true
  return isTime(one) && isTime(other) && Date.parse(one) === Date.parse(other)
}

const isTime = (text: string) => /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/.test(text)

/**
 * No Postgres text holds a NUL or half a character, so a value without them is the best copy there is. HubSpot has no
 * difference between an empty value and none.
 */
function repaired(value: unknown): string {
  if (value === null || value === undefined) return ''
  return String(value).replaceAll('\0', '').toWellFormed()
}
