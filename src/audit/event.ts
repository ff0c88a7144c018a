/** Events of the audit log and their hash chain: what is hashed, and how it is verified. Pure. */
import { createHash } from 'node:crypto'

export interface AuditEvent {
  /** The name of the credential, never the credential itself. */
  actor: string
  /** One of Spoke's own action names, such as `sync.start`. */
  action: string
  /** What the action applied to; null where the action says it all. */
  target: string | null
  /** The peer's address; null on the command line. */
  address: string | null
  request_id: string | null
  phase: 'requested' | 'done'
  /** For `done`: the status, and the code of an error. */
  result: string | null
}

/** A row as the database returns it. */
export interface AuditRow extends AuditEvent {
  seq: number
  /** Seconds since 1970 with six decimals. Text, so that neither a digit nor the era is lost. */
  at: string
  prev_hash: string
  hash: string
}

/** A tenant's chain, by its id, or the operator's. */
export type Chain = string
export const operatorChain = 'operator'

/** The previous hash of a chain's first row. */
export const genesisHash = '0'.repeat(64)

/**
 * Every column except the hash, as one JSON array without spaces; the first element is the version
 * of this format.
 */
export function canonicalEvent(chain: Chain, row: Omit<AuditRow, 'hash'>): string {
  const { seq, at, actor, action, target, address, request_id, phase, result, prev_hash } = row
  return JSON.stringify([
    'spoke-audit-1',
    chain,
    seq,
    at,
    actor,
    action,
    target,
    address,
    request_id,
    phase,
    result,
    prev_hash,
  ])
}

export const eventHash = (chain: Chain, row: Omit<AuditRow, 'hash'>): string =>
  createHash('sha256').update(canonicalEvent(chain, row)).digest('hex')

/** How far a chain was read, and its first fault. */
export interface ChainState {
  chain: Chain
  /**
   * The oldest row present; above 1, the rows before it have been deleted. Null: the chain is
   * empty.
   */
  from: number | null
  /** The previous hash of the oldest row. */
  follows: string
  /** The last row that was read, and its hash. */
  seq: number
  head: string
  events: number
  fault?: string
}

export const unverifiedChain = (chain: Chain): ChainState => ({
  chain,
  from: null,
  follows: genesisHash,
  seq: 0,
  head: genesisHash,
  events: 0,
})

/**
 * Continues to verify a chain. A fault is final: no row after it is read.
 *
 * @param rows the next ones, in order of `seq`
 */
export function verifyChainRows(before: ChainState, rows: readonly AuditRow[]): ChainState {
  let verdict = before
  for (const row of rows) {
    if (verdict.fault !== undefined) return verdict
    const fault = faultOf(verdict, row)
    verdict =
      fault === undefined
        ? {
            ...verdict,
            from: verdict.from ?? row.seq,
            follows: verdict.from === null ? row.prev_hash : verdict.follows,
            seq: row.seq,
            head: row.hash,
            events: verdict.events + 1,
          }
        : { ...verdict, fault }
  }
  return verdict
}

function faultOf({ chain, from, seq, head }: ChainState, row: AuditRow): string | undefined {
  const first = from === null
  if (!first && row.seq !== seq + 1)
    return `events between ${seq} and ${row.seq} are missing, or one was inserted`
  if (eventHash(chain, row) !== row.hash) return `event ${row.seq} does not match its hash`
  // When older rows have been deleted, the previous hash of the oldest row cannot be checked.
  if (first ? row.seq === 1 && row.prev_hash !== genesisHash : row.prev_hash !== head)
    return `event ${row.seq} does not follow the one before it`
  return undefined
}
