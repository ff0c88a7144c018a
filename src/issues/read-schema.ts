/** Wire schema of reading issues by their ids. */
import { z } from 'zod'
import { uuidText } from '../api/wire.ts'
import { hubSpotId } from './query-schema.ts'
import { fieldsBody, issue } from './schema.ts'

/** Issues of one request. */
const maxIssues = 200

const ticketRef = z.strictObject({ integration_id: uuidText, ticket_id: hubSpotId })

export const readBody = z
  .strictObject({
    issue_ids: z.array(uuidText).min(1).max(maxIssues).optional(),
    tickets: z
      .array(ticketRef)
      .min(1)
      .max(maxIssues)
      .optional()
      .describe('Instead of `issue_ids`: the issues by HubSpot’s ids'),
    fields: fieldsBody,
  })
  .refine(({ issue_ids, tickets }) => (issue_ids === undefined) !== (tickets === undefined), {
    path: ['issue_ids'],
    error: 'must be given, or tickets instead of it, but not both',
  })
  .meta({
    examples: [
      { issue_ids: ['01a2044e-3b22-7014-9cc8-9f60e5564519', '01a2044e-3b22-7014-9cc8-9f60e5564520'] },
    ],
  })

const refs = z.array(z.union([z.string(), z.object({ integration_id: z.string(), ticket_id: z.string() })]))

export const readResponse = z.object({
  issues: z.array(issue),
  missing: refs.meta({
    description: 'Of those asked for: the ones that this tenant does not have, in the form of the request',
    examples: [['01a2044e-3b22-7014-9cc8-9f60e5564520']],
  }),
  unread: refs.meta({
    description:
      'The rest of those asked for, from the first that did not fit in 512 KiB: ask for them again. Some of them may be missing',
    examples: [[]],
  }),
})
