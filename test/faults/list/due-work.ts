/** Faults in finding and sharing work: what one tenant can delay or what a poll can miss. */
import type { Fault } from '../fault.ts'

const streams = 'test/sync/due-streams.test.ts'
const work = 'test/worker/due-work.test.ts'

export const dueWork: Fault[] = [
  {
    name: 'tenant-takes-every-place',
    in: 'createPool',
    find: ' || runningOf(tenant) >= source.perTenant',
    put: '',
    test: work,
    only: 'a tenant with much',
    gain: 'a tenant with many integrations takes every place of a process, and the others wait',
  },
  {
    name: 'failing-work-does-not-rest',
    in: 'createPool',
    find: 'return cooldownMs',
    put: 'return 0',
    test: work,
    only: 'an item that fails',
    gain: 'work that always fails is tried without a pause and takes the time of the others',
  },
  {
    name: 'scan-ends-at-its-first-window',
    in: 'scanForDue',
    find: 'from visited where nth = ',
    put: 'from visited where nth > ',
    test: 'test/db/scan.test.ts',
    gain: 'while 500 inboxes wait for a time of their own, those of all later tenants are never drained',
  },
  {
    name: 'running-stream-claimed-again',
    in: 'claimStream',
    find: `and \${leaseIsFree(by, 's')} as may_continue`,
    put: 'as may_continue',
    test: streams,
    only: 'a slot during a run',
    gain: 'two processes run one stream, and each spends the calls of the account',
  },
  {
    name: 'useless-slot-stays-due',
    in: 'claimStream',
    find: 'if (slot_due) await',
    put: 'if (slot_due && starts) await',
    test: streams,
    only: 'is taken and starts nothing',
    gain: 'disconnected integrations stay at the head of what is due and delay all others',
  },
  {
    name: 'requested-run-replaces-a-row',
    in: 'repeatOf',
    find: "const isRepeat = sql`trigger = 'schedule' and ",
    put: 'const isRepeat = sql`',
    test: streams,
    only: 'become one',
    gain: 'a run that a caller requested takes the place of another in the history',
  },
  {
    name: 'poll-reads-every-stream',
    in: 'dueStreams',
    find: ': sql`due_at <= statement_timestamp()`',
    put: ': sql`due_at <= clock_timestamp()`',
    test: streams,
    only: 'searches the index by time',
    gain: 'each poll reads the streams of all tenants, four times a second',
  },
]
