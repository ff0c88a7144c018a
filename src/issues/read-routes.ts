/** The HTTP route that reads issues by their ids. */
import type { FastifyInstance } from 'fastify'
import { tenantRoute } from '../api/tenant-route.ts'
import { tenantPath } from '../api/wire.ts'
import type { Database } from '../db/database.ts'
import { integrationNotFound } from '../lib/errors.ts'
import { requireTenant } from '../tenants/require-tenant.ts'
import { checkProperties } from './field-store.ts'
import { fieldsOf } from './issue-fields.ts'
import { presentIssue, sendSelected } from './present-issue.ts'
import { readBody, readResponse } from './read-schema.ts'
import { findIssuesByIds, type StoredIssue, type TicketRef } from './store.ts'

export function readRoutes(app: FastifyInstance, { db }: { db: Database }): void {
  tenantRoute(
    app,
    db,
    {
      method: 'POST',
      path: '/api/hubspot/issues/:tenant_id/read',
      operationId: 'issues.read',
      tags: ['issues'],
      summary: 'Read issues by their ids',
      description:
        'Up to 200 issues, in the order of the request and each once. It changes nothing; an `Idempotency-Key` is ignored.',
      errors: [],
      // Not audited: it only reads. It is a POST because so many ids do not fit in a URL.
      config: { access: 'read', audited: false },
      params: tenantPath,
      body: readBody,
      response: { 200: readResponse },
      requires: requireTenant(integrationNotFound),
    },
    async ({ body, readPage, reply }) => {
      const fields = fieldsOf(body.fields)
      const asked = byKey(body.issue_ids ?? body.tickets ?? [])
      const refs = body.issue_ids
        ? { issueIds: [...asked.values()] as string[] }
        : { tickets: [...asked.values()] as TicketRef[] }
      const { rows, more } = await readPage(asked.size, async (scope, bytes) => {
        await checkProperties(scope, fields, body.fields)
        return await findIssuesByIds(scope, refs, { bytes, fields })
      })
      const keyOf = (row: StoredIssue) => keyOfRef(body.issue_ids ? row.issue_id : row)
      const found = new Set(rows.map(keyOf))
      const keys = [...asked.keys()]
      const last = rows.at(-1)
      // What follows the last one was not looked at, so whether it is missing is not known yet.
      const end = more && last ? keys.indexOf(keyOf(last)) + 1 : keys.length
      const refsOf = (some: string[]) => some.flatMap((key) => asked.get(key) ?? [])
      sendSelected(reply, fields)
      return {
        issues: rows.map((row) => presentIssue(row, fields)),
        missing: refsOf(keys.slice(0, end).filter((key) => !found.has(key))),
        unread: refsOf(keys.slice(end)),
      }
    },
  )
}

const keyOfRef = (ref: string | TicketRef) =>
  typeof ref === 'string' ? ref : `${ref.integration_id} ${ref.ticket_id}`

/** Each once: a Map keeps the place of the first. */
const byKey = (refs: readonly (string | TicketRef)[]) => new Map(refs.map((ref) => [keyOfRef(ref), ref]))
