/** Events of the audit log and the chain they stand in: what is hashed, and whether a run of rows still holds together. Pure. */
import { createHash } from 'node:crypto'

export interface AuditEvent {
  /** Whose credential it was; never the credential. */
  actor: string
  /** A word of ours, such as `sync.start`. */
  action: string
  /** What it was done to; null where the action says it all. */
  target: string | null
  /** Of the peer that asked; null from the command line. */
  address: string | null
  requestId: string | null
  phase: 'asked' | 'done'
  /** Of what is done: the status, and the code of an error. */
  result: string | null
}

/** A row as the database gives it. */
export interface AuditRow extends AuditEvent {
  seq: number
  /** Seconds since 1970 with six decimals, as text: no digit and no era is lost. */
  at: string
  prevHash: string
  hash: string
}

/** Which chain: a tenant's, by its id, or the operator's. */
export type Chain = string
export const operatorChain = 'operator'

/** What the first row of a chain follows. */
export const noHash = '0'.repeat(64)

/** Every column but the hash itself as one JSON array without blanks; the first word is the version of this form. */
export function canonical(chain: Chain, row: Omit<AuditRow, 'hash'>): string {
  const { seq, at, actor, action, target, address, requestId, phase, result, prevHash } = row
  return JSON.stringify([
    'spoke-audit-1',
    chain,
    seq,
    at,
    actor,
    action,
    target,
    address,
    requestId,
    phase,
    result,
    prevHash,
  ])
}

export const hashOf = (chain: Chain, row: Omit<AuditRow, 'hash'>): string =>
  createHash('sha256').update(canonical(chain, row)).digest('hex')

/** How far a chain was read, and where it broke first. */
export interface Verdict {
  chain: Chain
  /** The oldest row that is there; above 1 the rows before it are gone. Null: the chain is empty. */
  from: number | null
  /** The hash that the oldest row follows. */
  follows: string
  /** The last row that was read, and its hash. */
  seq: number
  head: string
  events: number
  fault?: string
}

export const unread = (chain: Chain): Verdict => ({
  chain,
  from: null,
  follows: noHash,
  seq: 0,
  head: noHash,
  events: 0,
})

/**
 * Reads on in a chain; a fault that was found stays, and nothing behind it counts.
 *
 * @param rows the next ones, in the order of their numbers
 */
export function readOn(before: Verdict, rows: readonly AuditRow[]): Verdict {
  let verdict = before
  for (const row of rows) {
    if (verdict.fault !== undefined) return verdict
    const fault = faultOf(verdict, row)
    verdict =
      fault === undefined
        ? {
            ...verdict,
            from: verdict.from ?? row.seq,
            follows: verdict.from === null ? row.prevHash : verdict.follows,
            seq: row.seq,
            head: row.hash,
            events: verdict.events + 1,
          }
        : { ...verdict, fault }
  }
  return verdict
}

function faultOf({ chain, from, seq, head }: Verdict, row: AuditRow): string | undefined {
  const first = from === null
  if (!first && row.seq !== seq + 1)
    return `between event ${seq} and event ${row.seq} some are missing, or one was put in`
  if (hashOf(chain, row) !== row.hash) return `event ${row.seq} is not what was written`
  // The oldest row of a chain that was cut at its old end is taken at its word.
  if (first ? row.seq === 1 && row.prevHash !== noHash : row.prevHash !== head)
    return `event ${row.seq} does not follow the one before it`
  return undefined
}
