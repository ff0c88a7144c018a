/** Verifies the audit chains, a few hundred rows at a time, and reports the first fault of each. */
import type { Database } from '../db/database.ts'
import { unlessErasing, withSystem, withTenant } from '../db/scope.ts'
import { parseTenantId, type TenantId } from '../db/tenant-id.ts'
import { listTenants } from '../tenants/store.ts'
import { type AuditRow, type Chain, type ChainState, operatorChain, unread, verifyRows } from './event.ts'
import { hashAt, rowsAfter } from './store.ts'

const step = 500

/**
 * Verifies the operator's chain, then each tenant's, in order of id. Only one step of one chain is
 * in memory.
 */
export async function* verifyChains(db: Database): AsyncGenerator<ChainState> {
  yield await verifyChain(operatorChain, (seq) => withSystem(db, (scope) => rowsAfter(scope, seq, step)))
  for (let after: TenantId | undefined; ; ) {
    const tenants = await withSystem(db, (scope) => listTenants(scope, { after, limit: step }))
    for (const { tenantId: id } of tenants) {
      const read = (seq: number | undefined) => withTenant(db, id, (scope) => rowsAfter(scope, seq, step))
      // Erasing a tenant deletes its chain, so there is none to verify.
      const verdict = await unlessErasing(verifyChain(id, read))
      if (verdict) yield verdict
    }
    after = tenants.at(-1)?.tenantId
    if (tenants.length < step) return
  }
}

async function verifyChain(
  chain: Chain,
  read: (seq: number | undefined) => Promise<AuditRow[]>,
): Promise<ChainState> {
  let verdict = unread(chain)
  for (;;) {
    const rows = await read(verdict.from === null ? undefined : verdict.seq)
    verdict = verifyRows(verdict, rows)
    if (verdict.fault !== undefined || rows.length < step) return verdict
  }
}

/** The last event of a chain, as it was noted earlier. */
export interface Head {
  chain: Chain
  seq: number
  head: string
}

/**
 * Whether an event noted earlier as the head is still in its chain. If the chain is also intact,
 * nothing up to that event has been rewritten.
 *
 * @returns what is wrong, or undefined
 */
export async function headFault(db: Database, { chain, seq, head }: Head): Promise<string | undefined> {
  // An empty chain has nothing that could have changed.
  if (seq === 0) return undefined
  const now =
    chain === operatorChain
      ? await withSystem(db, (scope) => hashAt(scope, seq))
      : await unlessErasing(withTenant(db, parseTenantId(chain), (scope) => hashAt(scope, seq)))
  if (now === head) return undefined
  return now === undefined
    ? `event ${seq} was noted earlier but is missing`
    : `event ${seq} differs from the one noted earlier`
}
