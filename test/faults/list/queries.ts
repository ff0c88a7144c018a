/** Faults in queries for issues: the index, its conditions and the cursors. */
import type { Fault } from '../fault.ts'

export const queries: Fault[] = [
  {
    name: 'moved-issue-comes-twice',
    in: 'beyond',
    find: `    and s.synced_at <= \${timeOf(began)}\``,
    put: '`',
    test: 'test/issues/query.test.ts',
    only: 'moves to the end',
    gain: 'an issue that changes while a caller pages is counted twice',
  },
  {
    name: 'labels-of-another-account',
    in: 'byLabel',
    find: `return sql\`s.integration_id = \${integration_id} \${ofParent} and \${column} \${isOneOf(ids)}\``,
    put: `return sql\`\${column} \${isOneOf(ids)}\``,
    test: 'test/issues/query.test.ts',
    only: 'finds, orders and counts',
    gain: 'a stage of one account finds the issues of another one whose stage has the same id',
  },
  {
    name: 'cursor-of-another-query',
    in: 'cursorOwner',
    find: 'JSON.stringify(conditionsOf(query))',
    put: "''",
    test: 'test/issues/query-http.test.ts',
    only: 'a cursor of another tenant',
    gain: 'a cursor used with other conditions skips issues without a word',
  },
  {
    name: 'index-not-written-with-the-issue',
    in: 'currentWins',
    find: 'priority = excluded.priority, category = excluded.category,\n        archived = excluded.archived,',
    put: 'priority = excluded.priority, category = excluded.category,',
    test: 'test/issues/query.test.ts',
    only: 'each statement that writes an issue',
    gain: 'an archived ticket is found as a live one',
  },
  {
    name: 'index-keeps-rows-of-a-purge',
    in: 'buildSearchRows',
    find: `      -- Rows may be left from before a purge that did not end.\n      \${currentWins}`,
    put: '      on conflict do nothing',
    test: 'test/issues/query.test.ts',
    only: 'connected again after a purge',
    gain: 'queries find what an integration had before it was purged',
  },
  {
    name: 'long-value-in-the-index',
    in: 'cut',
    find: `sql\`left(\${sql.ref(column)}, \${maxValueLength + 1})\``,
    put: `sql\`\${sql.ref(column)}\``,
    test: 'test/issues/query.test.ts',
    only: 'a value that is longer',
    gain: 'one ticket with a long value stops the sync of its account',
  },
]
