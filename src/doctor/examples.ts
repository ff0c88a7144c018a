/**
 * Example values that neither the catalogue nor the OpenAPI document provides. Add a line here for
 * a table or route that the rehearsal reports as a fault.
 */
import { randomBytes } from 'node:crypto'

/**
 * `table.column` -> a value that passes its checks and the routes' validation. `word` is the
 * tenant's own.
 */
export const columnExamples: Readonly<Record<string, (word: string) => unknown>> = {
  'inbox_entries.ticket_ids': () => ['1'],
  'issues.properties': (word) => ({ subject: `${word} subject`, content: `${word} content` }),
  'issue_associations.associations': (word) => ({ contacts: [{ id: '1', name: word, labels: [] }] }),
  'api_keys.key_id': () => randomBytes(8).toString('hex'),
  // The tenant's first change, which announces that it was connected.
  'deliveries.seq': () => 1,
  'attempts.seq': () => 1,
  'endpoints.url': (word) => `https://${word}.example.com/`,
  'api_keys.scopes': () => ['read'],
  'sessions.created_by': (word) => `key:${word}`,
  'sql_logins.login': () => `spoke_sql_${randomBytes(8).toString('hex')}`,
  'sql_logins.statement_seconds': () => 30,
  'sql_logins.connections': () => 5,
  // A finished run, so that no request waits for its progress.
  'sync_events.state': () => 'succeeded',
}

/**
 * Values for body and query fields by name, where the schema alone does not say what a request
 * needs.
 */
export const fieldExamples: Readonly<Record<string, unknown>> = {
  access_token: 'pat-na1-of-the-rehearsal',
  code: 'code-of-the-rehearsal',
  hub_id: '1',
  url: 'https://example.com/hook',
}
