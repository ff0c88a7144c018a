/** Faults in the audit log. */
import type { Fault } from '../fault.ts'

const chains = 'test/audit/chain.test.ts'

export const audit: Fault[] = [
  {
    name: 'rows-of-refusals-without-end',
    in: 'auditEffects',
    find: 'if (refused && refusals.admit(refused)) request.audit = refused',
    put: 'if (refused) request.audit = refused',
    test: 'test/audit/audited.test.ts',
    only: 'whoever is refused without end',
    gain: 'a key that may only read fills the disk with refusals',
  },
  {
    name: 'oldest-events-not-missed',
    in: 'printVerdicts',
    find: 'else if (from !== null && from > 1) cuts.set(chain, { from, follows })',
    put: '',
    test: 'test/audit/process.test.ts',
    gain: 'whoever owns the tables deletes the oldest events, and a job that asks for the exit code hears nothing',
  },
  {
    name: 'audit-that-can-be-changed',
    find: 'grant select, insert on audit_events to spoke_app;',
    put: 'grant select, insert, update, delete on audit_events to spoke_app;',
    test: chains,
    only: 'the audit log on PostgreSQL',
    gain: 'who gets into the service takes its traces back out',
  },
  {
    name: 'chain-that-holds-nothing',
    in: 'faultOf',
    find: 'first ? row.seq === 1 && row.prevHash !== noHash : row.prevHash !== head',
    put: 'first && row.seq === 1 && row.prevHash !== noHash',
    test: 'test/audit/audit.test.ts',
    gain: 'a row that was exchanged, with a hash of its own, is not noticed',
  },
  {
    name: 'effect-without-a-trace',
    in: 'auditEffects',
    find: `throw new AppError('unavailable', 'The audit log cannot be written, so nothing was done', {
        cause,
        retryAfter: 5,
      })`,
    put: `return String(cause) as Chain`,
    test: 'test/audit/audited.test.ts',
    gain: 'who fills the disk first acts unseen afterwards',
  },
]
