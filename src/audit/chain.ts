/** Verifies the audit chains, a few hundred rows at a time, and reports the first fault of each. */
import type { Database } from '../db/database.ts'
import { unlessErasing, withSystem, withTenant } from '../db/scope.ts'
import { parseTenantId, type TenantId } from '../db/tenant-id.ts'
import { listTenants } from '../tenants/store.ts'
import {
  type AuditRow,
  type Chain,
  type ChainState,
  operatorChain,
  unverifiedChain,
  verifyChainRows,
} from './event.ts'
import { auditHashAt, auditRowsAfter } from './store.ts'

const rowsPerPage = 500

/**
 * Verifies the operator's chain, then each tenant's, in order of id. Only one step of one chain is
 * in memory.
 */
export async function* verifyChains(db: Database): AsyncGenerator<ChainState> {
  yield await verifyChain(operatorChain, (seq) =>
    withSystem(db, (scope) => auditRowsAfter(scope, seq, rowsPerPage)),
  )
  for (let after: TenantId | undefined; ; ) {
    const tenants = await withSystem(db, (scope) => listTenants(scope, { after, limit: rowsPerPage }))
    for (const { tenant_id: id } of tenants) {
      const read = (seq: number | undefined) =>
        withTenant(db, id, (scope) => auditRowsAfter(scope, seq, rowsPerPage))
      // Erasing a tenant deletes its chain, so there is none to verify.
      const verdict = await unlessErasing(verifyChain(id, read))
      if (verdict) yield verdict
    }
    after = tenants.at(-1)?.tenant_id
    if (tenants.length < rowsPerPage) return
  }
}

async function verifyChain(
  chain: Chain,
  read: (seq: number | undefined) => Promise<AuditRow[]>,
): Promise<ChainState> {
  let verdict = unverifiedChain(chain)
  for (;;) {
    const rows = await read(verdict.from === null ? undefined : verdict.seq)
    verdict = verifyChainRows(verdict, rows)
    if (verdict.fault !== undefined || rows.length < rowsPerPage) return verdict
  }
}

/** The last event of a chain, as it was saved earlier. */
export interface ChainHead {
  chain: Chain
  seq: number
  head: string
}

/**
 * Whether an event saved earlier as the head is still in its chain. If the chain is also intact,
 * nothing up to that event has been rewritten.
 *
 * @returns what is wrong, or undefined
 */
export async function chainHeadFault(
  db: Database,
  { chain, seq, head }: ChainHead,
): Promise<string | undefined> {
  // An empty chain has nothing that could have changed.
  if (seq === 0) return undefined
  const now =
    chain === operatorChain
      ? await withSystem(db, (scope) => auditHashAt(scope, seq))
      : await unlessErasing(withTenant(db, parseTenantId(chain), (scope) => auditHashAt(scope, seq)))
  if (now === head) return undefined
  return now === undefined
    ? `event ${seq} is among the saved heads but is missing`
    : `event ${seq} differs from the saved head`
}
