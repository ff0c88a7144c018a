/** Faults in the audit log. */
import type { Fault } from '../fault.ts'

const chains = 'test/audit/chain.test.ts'

export const audit: Fault[] = [
  {
    name: 'refusal-rows-without-limit',
    in: 'auditEffects',
    find: 'if (refused && refusals.admit(refused)) request.audit = refused',
    put: 'if (refused) request.audit = refused',
    test: 'test/audit/audited.test.ts',
    only: 'a caller that is refused again and again',
    gain: 'a read-only key fills the disk by causing refusals that are all audited',
  },
  {
    name: 'missing-oldest-events-not-reported',
    in: 'printVerification',
    find: 'else if (from !== null && from > 1) cuts.set(chain, { from, follows })',
    put: '',
    test: 'test/audit/process.test.ts',
    gain: 'the owner of the tables deletes the oldest events, and the check still exits with 0',
  },
  {
    name: 'audit-log-can-be-changed',
    find: 'grant select, insert on audit_events to spoke_app;',
    put: 'grant select, insert, update, delete on audit_events to spoke_app;',
    test: chains,
    only: 'the audit log on PostgreSQL',
    gain: 'an attacker who takes over the service removes the traces from the audit log',
  },
  {
    name: 'chain-link-not-checked',
    in: 'faultOf',
    find: 'first ? row.seq === 1 && row.prev_hash !== genesisHash : row.prev_hash !== head',
    put: 'first && row.seq === 1 && row.prev_hash !== genesisHash',
    test: 'test/audit/audit.test.ts',
    gain: 'a replaced row with a recomputed hash goes unnoticed',
  },
  {
    name: 'effect-without-an-audit-row',
    in: 'auditEffects',
    find: `throw new AppError('unavailable', 'The audit log cannot be written, so nothing was done', {
        cause,
        retryAfter: 5,
      })`,
    put: `return String(cause) as Chain`,
    test: 'test/audit/audited.test.ts',
    gain: 'an attacker who fills the disk first can act without leaving a trace',
  },
]
