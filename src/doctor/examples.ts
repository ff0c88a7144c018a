/**
 * Values that the rehearsal cannot read from the catalogue or from the OpenAPI document: a table or route that it names
 * as a fault gets a line here.
 */
import { randomBytes } from 'node:crypto'

/** `table.column` -> a value that its checks and the routes take. `word` is the tenant's own. */
export const columnExamples: Readonly<Record<string, (word: string) => unknown>> = {
  'inbox.ticket_ids': () => ['1'],
  'issues.properties': (word) => ({ subject: `${word} subject`, content: `${word} content` }),
  'issue_associations.associations': (word) => ({ contacts: [{ id: '1', name: word, labels: [] }] }),
  'api_keys.key_id': () => randomBytes(8).toString('hex'),
  // The tenant's first change, which tells that it was connected.
  'deliveries.seq': () => 1,
  'attempts.seq': () => 1,
  'endpoints.url': (word) => `https://${word}.example.com/`,
  'api_keys.scopes': () => ['read'],
  'sessions.made_by': (word) => `key:${word}`,
  // Ended, so that nobody waits for its progress.
  'sync_events.state': () => 'succeeded',
}

/** A field of a body or query by its name, where its schema alone does not say what a request needs. */
export const fieldExamples: Readonly<Record<string, unknown>> = {
  access_token: 'pat-na1-of-the-rehearsal',
  code: 'code-of-the-rehearsal',
  hub_id: '1',
  url: 'https://example.com/hook',
}
